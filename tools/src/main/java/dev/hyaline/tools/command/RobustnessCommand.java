package dev.hyaline.tools.command;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.robustness.Robustness;
import dev.hyaline.analysis.robustness.Variation;
import dev.hyaline.analysis.robustness.Variations;
import dev.hyaline.analysis.robustness.WrittenFinding;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.RobustnessReport;
import dev.hyaline.tools.terminal.Console;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code hyaline robustness}: whether a finding stays the same under variations. */
@Command(
        name = "robustness",
        header = "Repeats a finding under variations and scores how far it stays the same.",
        description = {
            "",
            "Runs a method on pairs of prompts, and again on other prompts, on each template alone and without it, with"
                    + " another ablation and other metrics, without the token that begins a text, and with weights in"
                    + " bfloat16. Effects are shares of each variation's own gap. robust: a score above 0.7 whose"
                    + " interval and families stay above 0.5."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline robustness ablate-mean --count 24",
            "  hyaline ablate --count 24 --out found && \\",
            "      hyaline robustness ablate --count 24 --finding found/ablate-z.json"
        })
public final class RobustnessCommand implements Runnable, CheckedOptions {
    private static final int MIN_PAIRS = 4;

    private final Console console;

    @Parameters(
            paramLabel = "METHOD",
            completionCandidates = SanityCommand.Methods.class,
            converter = SanityCommand.Methods.class,
            description = "${COMPLETION-CANDIDATES}.")
    private BuiltInMethod method;

    @Option(
            names = "--finding",
            paramLabel = "FILE",
            description = {
                "The table of heads that ablate, patch or attribute wrote (.json): it must be what the method finds"
                        + " again on these pairs."
            })
    private @Nullable String finding;

    @Option(
            names = "--smallest",
            paramLabel = "X",
            description = "The smallest share of the gap that matters. Default: ${DEFAULT-VALUE}")
    private double smallest = 0.1;

    @Option(
            names = "--replicates",
            paramLabel = "N",
            description = "Resamples of units for the interval. Default: ${DEFAULT-VALUE}")
    private int replicates = Robustness.REPLICATES;

    @Mixin
    private StudyOptions options;

    private @Nullable WrittenFinding written;

    public RobustnessCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (options.tables().isAsked()) {
            throw new BadInputException("--out writes tables of results; the robustness of one is printed only");
        }
        if (!(smallest > 0 && smallest <= 1)) {
            throw new BadInputException("--smallest must be above 0 and at most 1, found " + smallest);
        }
        if (replicates < 1 || replicates > 100_000) {
            throw new BadInputException("--replicates must be from 1 to 100000, found " + replicates);
        }
        if (finding != null) {
            ModelOptions.readable("--finding", finding);
            written = WrittenFinding.read(ModelOptions.path("--finding", finding));
        }
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            if (study.pairs().size() < MIN_PAIRS) {
                throw new BadInputException("robustness needs at least " + MIN_PAIRS + " pairs of prompts, found "
                        + study.pairs().size());
            }
            try (Gpt2 model = study.start()) {
                Subject subject = new Subject(
                        model, study.pairs(), options.metric(), options.pairs().seed());
                Variation found = Variation.run("finding", method.toString(), method, subject);
                if (written != null) {
                    written.requireSameAs(found.finding());
                }
                Robustness robustness = Robustness.of(
                        found,
                        Variations.run(method, subject, otherPrompts(study)),
                        smallest,
                        replicates,
                        CounterRandom.of(subject.seed()).named("robustness/units"));
                new RobustnessReport(console, study, method.toString(), options.metric(), robustness)
                        .print(options.json());
            }
        }
    }

    /** As many more pairs of a task; both halves of a file. */
    private Map<String, PromptPairs> otherPrompts(Study study) {
        List<PromptPairs> split = options.pairs().split(study.pairs(), study.config(), study.vocabulary());
        Map<String, PromptPairs> others = new LinkedHashMap<>();
        if (split.get(0).size() < study.pairs().size()) {
            others.put("first half", split.get(0));
            others.put("second half", split.get(1));
        } else if (!split.get(1).equals(split.get(0))) {
            others.put("others of the task", split.get(1));
        }
        return others;
    }
}
