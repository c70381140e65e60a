"""Tables, pictures, the map of the films and the HTML report: figures in, text and pictures out."""
