"""Source code: a section for each function, class and method, with its comments and decorators."""

from .source import CodeParser

__all__ = ["CodeParser"]
