"""What `Resift.read` does: find the document or the passage, and read from there."""

from ..core.errors import InvalidInput
from ..factories.engine import Services
from ..pipeline.reading import Extract, read_around, read_from
from .requests import ReadRequest

MAX_READ = 200  # passages of a document in one call

ONE_OF_TWO = "Pass either document_id (from the start) or passage_id (around a hit)."

NO_PAGES_AROUND = "`pages` and `start` choose a part of a document: pass document_id with them instead of passage_id."


async def read(request: ReadRequest, services: Services) -> Extract:
    """Return a document from a passage on, some of its pages, or the passages around a hit.

    Raises:
        InvalidInput: Not exactly one of document_id and passage_id is given, or the arguments do not go together.
        NotFound: There is no such collection, document, passage or page.
    """
    _check(request)
    collection, paths = await services.pipeline.open(request.collection), services.pipeline.paths
    if request.passage_id:
        return await read_around(collection, request.passage_id, around=request.around, paths=paths)
    return await read_from(
        collection,
        request.document_id,
        start=request.start,
        limit=MAX_READ,
        pages=request.pages,
        paths=paths,
    )


def _check(request: ReadRequest) -> None:
    if bool(request.document_id) == bool(request.passage_id):
        raise InvalidInput(ONE_OF_TWO)
    if request.passage_id and (request.pages or request.start):
        raise InvalidInput(NO_PAGES_AROUND)
