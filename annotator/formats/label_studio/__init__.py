"""Label Studio JSON: tasks with annotations and predictions. Specification: labelstud.io/guide/task_format and its tags."""
