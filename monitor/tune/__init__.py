"""`margind tune`: the history once more, at other thresholds, through the same pipeline that pages."""
