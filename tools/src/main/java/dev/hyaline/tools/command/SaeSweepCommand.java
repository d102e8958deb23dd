package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentScores;
import dev.hyaline.analysis.sparse.splice.LatentSweep;
import dev.hyaline.analysis.sparse.splice.SpliceNode;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.SaeSources;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.NodeScores;
import dev.hyaline.tools.report.SweepReport;
import dev.hyaline.tools.terminal.Console;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline sae sweep}: which latents matter for a task. */
@Command(
        name = "sweep",
        header = "Ablates latents one by one and shows what a task loses.",
        description = {
            "",
            "Runs clean prompts with one latent after another set to zero, what the autoencoder misses added as it"
                    + " is, so that nothing else changes. Without --latents, the nodes of largest gradient times"
                    + " activation, one backward pass for all of them; what an autoencoder misses, its error term, is"
                    + " a node of its own. Estimates are shown beside the effects."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae sweep --sae hyaline-sae",
            "  hyaline sae sweep --sae SAE1 --sae SAE2 --steps 10    a circuit of two autoencoders' latents",
            "  hyaline sae sweep --sae DIR --latents 0-99 --task greater-than --out tables"
        })
public final class SaeSweepCommand implements Runnable, CheckedOptions {
    private static final String TABLE = "ablate-latents";

    private final Console console;

    @Mixin
    private SaeSources sources;

    @Option(names = "--latents", paramLabel = "LIST", description = "Latents to ablate: 26,100-120, or all.")
    private String latents = "";

    @Option(
            names = "--most",
            paramLabel = "N",
            description = "Without --latents: how many nodes to ablate. Default: ${DEFAULT-VALUE}")
    private int most = 20;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Estimate by integrated gradients of N runs too, and choose nodes by these.")
    private @Nullable Integer steps;

    @Option(names = "--normalise", description = "Show the clean run as 1 and the corrupted one as 0.")
    private boolean normalise;

    @Mixin
    private TopOption top;

    @Mixin
    private StudyOptions options;

    SaeSweepCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (most < 1) {
            throw new BadInputException("--most must be at least 1, found " + most);
        }
        if (steps != null && (steps < 2 || steps > LatentScores.MAX_STEPS)) {
            throw new BadInputException("--steps must be from 2 to " + LatentScores.MAX_STEPS + ", found " + steps);
        }
        if (!latents.isEmpty()) {
            if (sources.size() > 1) {
                throw new BadInputException("--latents is for one --sae, found " + sources.size());
            }
            selection();
        }
        options.tables().requireFree(TABLE);
    }

    private IndexSelection selection() {
        return SelectionOptions.indices("--latents", latents);
    }

    @Override
    public void run() {
        List<SaeFile> files = sources.read(console);
        int[] chosen = latents.isEmpty()
                ? new int[0]
                : selection().in(files.getFirst().autoencoder().config().latents(), "latent");
        try (Study study = options.open(console)) {
            Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), TABLE);
            try (Gpt2 model = study.start()) {
                List<Attachment> attachments = sources.attach(files, model, console);
                Experiment experiment = Experiment.start(model, study.pairs(), options.metric());
                Map<String, List<LatentScores>> estimates = estimates(attachments, experiment);
                LatentSweep sweep = latents.isEmpty()
                        ? LatentSweep.of(ranked(estimates))
                        : LatentSweep.of(attachments.getFirst(), chosen);
                new SweepReport(
                                console,
                                study.model(),
                                study.origin(),
                                TABLE,
                                folder.orElse(null),
                                normalise,
                                options.json(),
                                top,
                                estimates.isEmpty() ? null : new NodeScores(sweep.nodes(), estimates))
                        .run(experiment, sweep);
            }
        }
    }

    /** By name; none where latents are named and no steps are asked for, so that any metric will do. */
    private Map<String, List<LatentScores>> estimates(List<Attachment> attachments, Experiment experiment) {
        Map<String, List<LatentScores>> estimates = new LinkedHashMap<>();
        if (latents.isEmpty() || steps != null) {
            estimates.put("gradient", scores(attachments, experiment, 1));
        }
        if (steps != null) {
            estimates.put("integrated", scores(attachments, experiment, steps));
        }
        return estimates;
    }

    private static List<LatentScores> scores(List<Attachment> attachments, Experiment experiment, int count) {
        return LatentScores.of(attachments, experiment.runs(), experiment.metric(), LatentScores.Reference.ZERO, count);
    }

    private List<SpliceNode> ranked(Map<String, List<LatentScores>> estimates) {
        List<SpliceNode> ranked = LatentScores.ranked(
                        List.copyOf(estimates.values()).getLast())
                .stream()
                .limit(most)
                .toList();
        if (ranked.isEmpty()) {
            throw new BadInputException(
                    "no latent that fires on these prompts changes the metric; name some (--latents)");
        }
        return ranked;
    }
}
