"""The part of the command line that trains: `resift train`."""

from pathlib import Path
from typing import Annotated

import typer

from ...settings.load import load_settings

app = typer.Typer()


@app.command()
def train(
    data: Annotated[list[str], typer.Option("--data", help="A folder of judged questions, or FOLDER=WEIGHT.")],
    out: Annotated[Path, typer.Option("--out", help="Where the reranker goes; a run that was killed goes on there.")],
    dev: Annotated[list[Path], typer.Option("--dev", help="Folders that only decide when to stop.")] = [],  # noqa: B006
    base: Annotated[str, typer.Option(help='What to start from: a BertModel\'s folder, or "bundled".')] = "bundled",
    split: Annotated[str, typer.Option(help="Which judgements of each folder.")] = "train",
    layers: Annotated[int, typer.Option(min=0, help="Layers to keep of the base; 0 keeps all.")] = 0,
    window: Annotated[int, typer.Option(min=32, max=512, help="Tokens of a pair, question and passage, in use.")] = 256,
    train_window: Annotated[
        int, typer.Option(min=32, max=512, help="Tokens of a pair in training; what is longer is cut, for speed.")
    ] = 160,
    questions: Annotated[int, typer.Option(min=1, help="Most questions of a folder.")] = 6000,
    unlabelled: Annotated[int, typer.Option(min=0, help="Questions cut from each folder's documents.")] = 2000,
    distil: Annotated[float, typer.Option(min=0, max=1, help="Share of lists that nobody judged.")] = 0.15,
    teacher: Annotated[
        str, typer.Option(help='Whose order to learn beside the marks: a reranker, "bundled", or retrieval\'s own.')
    ] = "",
    rate: Annotated[float, typer.Option(min=0, help="Learning rate of the layers.")] = 5e-5,
    steps: Annotated[int, typer.Option(min=1, help="Steps of 12 lists with 8 passages each.")] = 1500,
    every: Annotated[int, typer.Option(min=1, help="Steps between two looks at the development questions.")] = 200,
) -> None:
    """Fine-tune a reranker on judged questions (needs the extra `train`)."""
    from ...core.errors import require_extra
    from ...training.plan import Recipe, TrainingPlan, parse_mix
    from .train import run_train

    require_extra("train", "`resift train`")
    recipe = Recipe(steps=steps, window=train_window, learning_rate=rate, evaluate_every=every)
    plan = TrainingPlan(
        data=parse_mix(data),
        out=out.absolute(),
        base=base,
        dev=dev,
        split=split,
        window=window,
        layers=layers,
        questions=questions,
        unlabelled=unlabelled,
        distilled=distil,
        teacher=teacher,
        recipe=recipe,
    )
    run_train(load_settings(), plan)
