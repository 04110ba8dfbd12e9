"""Shows things to people: decisions as text and Markdown, progress, pages and their plots."""
