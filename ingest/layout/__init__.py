"""From pieces of text with their places on a page to lines, paragraphs, tables and headings in reading order."""
