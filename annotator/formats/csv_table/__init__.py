"""Tags as a table: image,label,confidence,state,annotator; one row per tag, an empty label for an image without any."""
