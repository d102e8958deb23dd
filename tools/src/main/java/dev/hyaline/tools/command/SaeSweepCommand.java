package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentScores;
import dev.hyaline.analysis.sparse.splice.LatentSweep;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.SweepReport;
import dev.hyaline.tools.terminal.Console;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
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
                    + " is, so that nothing else changes. Without --latents, those of largest gradient times"
                    + " activation, one backward pass for all of them."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae sweep --sae hyaline-sae",
            "  hyaline sae sweep --sae DIR --latents 0-99 --task greater-than --out tables"
        })
public final class SaeSweepCommand implements Runnable, CheckedOptions {
    private static final String TABLE = "ablate-latents";

    private final Console console;

    @Mixin
    private SaeSource source;

    @Option(names = "--latents", paramLabel = "LIST", description = "Latents to ablate: 26,100-120, or all.")
    private String latents = "";

    @Option(
            names = "--most",
            paramLabel = "N",
            description = "Without --latents: how many to ablate. Default: ${DEFAULT-VALUE}")
    private int most = 20;

    @Option(names = "--normalise", description = "Show the clean run as 1 and the corrupted one as 0.")
    private boolean normalise;

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
        if (!latents.isEmpty()) {
            selection();
        }
        options.tables().requireFree(TABLE);
    }

    private IndexSelection selection() {
        return SelectionOptions.indices("--latents", latents);
    }

    @Override
    public void run() {
        SaeFile sae = source.read(console);
        if (!latents.isEmpty()) {
            selection().in(sae.autoencoder().config().latents(), "latent");
        }
        try (Study study = options.open(console)) {
            Optional<Path> folder = options.tables().folder(TABLE);
            try (Gpt2 model = study.start()) {
                Attachment attachment = source.attach(sae, model, console);
                Experiment experiment = Experiment.start(model, study.pairs(), options.metric());
                new SweepReport(
                                console,
                                study.model(),
                                study.origin(),
                                TABLE,
                                folder.orElse(null),
                                normalise,
                                options.json(),
                                null)
                        .run(experiment, LatentSweep.of(attachment, chosen(attachment, experiment)));
            }
        }
    }

    private int[] chosen(Attachment attachment, Experiment experiment) {
        if (!latents.isEmpty()) {
            return selection().in(attachment.autoencoder().config().latents(), "latent");
        }
        LatentScores scores =
                LatentScores.of(attachment, experiment.runs(), experiment.metric(), LatentScores.Reference.ZERO);
        int[] ranked = Arrays.stream(scores.ranked()).limit(most).toArray();
        if (ranked.length == 0) {
            throw new BadInputException(
                    "no latent that fires on these prompts changes the metric; name some" + " (--latents)");
        }
        return ranked;
    }
}
