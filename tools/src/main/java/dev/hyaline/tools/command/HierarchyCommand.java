package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.investigation.discovery.Hierarchy;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.HierarchyReport;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline hierarchy}: a behaviour taken apart from the top. */
@Command(
        name = "hierarchy",
        header = "Takes a behaviour apart: blocks, heads and MLPs, their inputs and neurons.",
        description = {
            "",
            "Ablates each part alone: first the attention and the MLP of each layer, then the parts of those that"
                + " matter. A part is taken apart where its loss is clear and may reach the smallest effect, or where"
                + " the mean absolute loss does, since opposite parts cancel in the mean. p values are adjusted by"
                + " Holm over a level, and are never below that of the part above."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline hierarchy --task ioi-abba --count 24"})
public final class HierarchyCommand implements Runnable, CheckedOptions {
    /** The replacements. */
    static final class Replacements extends Choice<Replacement> {
        Replacements() {
            super(List.of(Replacement.values()));
        }
    }

    private final Console console;

    @Option(
            names = "--smallest",
            paramLabel = "X",
            description = "The smallest effect that matters, as a share of what all heads and MLPs add. Default:"
                    + " ${DEFAULT-VALUE}")
    private double smallest = 0.1;

    @Option(names = "--alpha", paramLabel = "P", description = "The two-sided level. Default: ${DEFAULT-VALUE}")
    private double alpha = 0.05;

    @Option(
            names = "--ablation",
            paramLabel = "KIND",
            completionCandidates = Replacements.class,
            converter = Replacements.class,
            description = {
                "What takes the place of a part's values: ${COMPLETION-CANDIDATES}, of the corrupted prompts of the"
                        + " same template. Default: ${DEFAULT-VALUE}"
            })
    private Replacement replacement = Replacement.MEAN_BY_POSITION;

    @Mixin
    private StudyOptions options;

    public HierarchyCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (options.tables().isAsked()) {
            throw new BadInputException("--out writes tables of results; a hierarchy is printed only");
        }
        if (!(smallest > 0 && smallest <= 1)) {
            throw new BadInputException("--smallest must be above 0 and at most 1, found " + smallest);
        }
        if (!(alpha > 0 && alpha < 1)) {
            throw new BadInputException("--alpha must lie between 0 and 1, found " + alpha);
        }
    }

    @Override
    public void run() {
        try (Study study = options.open(console);
                Gpt2 model = study.start()) {
            long seed = options.pairs().seed();
            Evidence evidence = Evidence.of(
                    Experiment.start(model, study.pairs(), options.metric()),
                    ReferenceRuns.byStratum(model, study.pairs(), study.pairs(), /* corrupted= */ true, seed));
            double gap = Math.abs(evidence.gap(replacement, Candidates.HEADS_AND_MLPS));
            if (gap == 0) {
                throw new BadInputException(
                        "ablating every head and MLP changes nothing on average; there is nothing" + " to take apart");
            }
            Hierarchy hierarchy = Hierarchy.run(
                    evidence,
                    new Hierarchy.Bounds(smallest * gap, alpha, replacement),
                    CounterRandom.of(seed).named("hierarchy"));
            new HierarchyReport(console, study, options.metric(), hierarchy).print(options.json());
        }
    }
}
