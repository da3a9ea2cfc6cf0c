# The workflow itself is in workflow/; a file here lets a plain `snakemake` find it.
include: "workflow/Snakefile"


workflow.default_target = "all"
