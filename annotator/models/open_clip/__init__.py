"""CLIP models of the package ``open_clip_torch`` (the extra ``annotator[torch]``), with weights the user has or pulls."""
