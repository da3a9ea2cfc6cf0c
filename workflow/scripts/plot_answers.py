"""The pictures of the first screen of the report."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import answers
    from emovec.figures.style import save
    from emovec.io.files import read_json
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    within = read_table(paths.within, "within_model_similarity")
    cross = read_table(paths.cross, "cross_model_similarity")
    steered = [
        (read_table(effects, "steering"), read_json(choice))
        for effects, choice in zip(paths.steering, paths.choices, strict=True)
    ]
    emotions, models = list(params.emotions), list(params.models)
    of_pairs = (cross, emotions, models, params.statistics["thresholds"])
    alpha, position = params.statistics["alpha"], params.statistics["position"]
    drawn = {
        output.hero: answers.hero(*of_pairs, alpha),
        output.apart: answers.apart(within, emotions, models, position, alpha),
        output.shared: answers.shared(*of_pairs, alpha),
        output.act: answers.act(steered, emotions, alpha),
        output.where: answers.where(within, emotions, models, position),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
