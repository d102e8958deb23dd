package dev.hyaline.tools.command;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.EdgeList;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.robustness.AttentionVariations;
import dev.hyaline.analysis.robustness.Robustness;
import dev.hyaline.analysis.robustness.Variation;
import dev.hyaline.analysis.robustness.Variations;
import dev.hyaline.analysis.robustness.WrittenFinding;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.RobustnessReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
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
            "Runs a method on pairs of prompts, and again on other prompts, of another seed and in other words, on"
                + " halves of the names, on the other order of names, on each template alone and without it, with"
                + " other ablations and metrics, position by position, without the token that begins a text and after"
                + " other sentences, with weights in bfloat16, and with other checkpoints. Effects are shares of each"
                + " variation's own gap. robust: a score above 0.7 whose interval and families stay above 0.5."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline robustness ablate-mean --count 24",
            "  hyaline ablate --count 24 --out found && \\",
            "      hyaline robustness --count 24 --finding found/ablate-z.json",
            "  hyaline heads --out found && hyaline robustness --finding found/heads.json",
            "  hyaline circuit --out found && hyaline robustness --finding found/circuit.json"
        })
public final class RobustnessCommand implements Runnable, CheckedOptions {
    private static final int MIN_PAIRS = 4;

    /** About nothing that a task is about. */
    private static final String SENTENCE = "It was a warm day. ";

    private final Console console;

    @Parameters(
            paramLabel = "METHOD",
            completionCandidates = SanityCommand.Methods.class,
            converter = SanityCommand.Methods.class,
            arity = "0..1",
            description = "${COMPLETION-CANDIDATES}. Default: what made --finding")
    private @Nullable BuiltInMethod method;

    @Option(
            names = "--finding",
            paramLabel = "FILE",
            description = {
                "A table that ablate, patch, attribute, lens or heads wrote (.json), or circuit's circuit.json: it must"
                        + " be what its method, or METHOD, finds again on these pairs. A table of heads is repeated on"
                        + " its own prompts, the pairs' clean ones are another kind."
            })
    private @Nullable String finding;

    @Option(
            names = "--circuit",
            paramLabel = "FILE",
            description = {
                "A circuit (graph.json or circuit.json of the command circuit, or a list of edges): its faithfulness"
                        + " under each variation, by the method's ablation or else by corrupted prompts, takes the"
                        + " place of the map's similarity."
            })
    private @Nullable String circuit;

    @Option(
            names = "--checkpoint",
            paramLabel = "MODEL",
            description = {
                "Also with this model's weights, as --model names it, of the same shape and tokens. Give it again for"
                        + " more."
            })
    private List<String> checkpoints = new ArrayList<>();

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
        if (circuit != null) {
            PathOption.readable("--circuit", circuit);
        }
        if (method == null && finding == null) {
            throw new BadInputException("robustness needs a METHOD, or a --finding that says what made it");
        }
        if (finding != null) {
            PathOption.readable("--finding", finding);
            written = WrittenFinding.read(PathOption.parse("--finding", finding));
            circuit = circuit == null && written.isCircuit() ? finding : circuit;
        }
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            if (written != null && written.isOfAttention()) {
                ofAttention(study, written);
                return;
            }
            if (study.pairs().size() < MIN_PAIRS) {
                throw new BadInputException("robustness needs at least " + MIN_PAIRS + " pairs of prompts, found "
                        + study.pairs().size());
            }
            Optional<Circuit> kept = Optional.ofNullable(circuit)
                    .map(file -> EdgeList.read(PathOption.parse("--circuit", file), study.config()));
            Map<String, Gpt2> others = new LinkedHashMap<>();
            try (Gpt2 model = study.start()) {
                Subject subject = new Subject(
                        model, study.pairs(), options.metric(), options.pairs().seed());
                Method repeated = method == null ? fromFile(study, subject) : method;
                Variations variations = Variations.of(repeated, subject);
                for (Map.Entry<String, PromptPairs> other : otherPrompts(study).entrySet()) {
                    variations = variations.prompts("prompts", other.getKey(), other.getValue());
                }
                for (PairOptions.OtherDraw draw :
                        options.pairs().otherDraws(study.pairs(), study.config(), study.vocabulary())) {
                    variations = variations.prompts(draw.family(), draw.name(), draw.pairs());
                }
                if (study.vocabulary().tokenizer().isPresent()) {
                    int[] sentence = study.vocabulary().encode(SENTENCE, /* begin= */ false);
                    variations = variations
                            .prefix("after a sentence", sentence)
                            .prefix("after three sentences", repeated(sentence, 3));
                }
                variations = kept.isPresent() ? variations.circuit(kept.get()) : variations;
                for (String name : checkpoints) {
                    Gpt2 other = others.computeIfAbsent(name, n -> checkpoint(study, n));
                    variations = variations.checkpoint(name, other);
                }
                Variation found = variations.finding();
                if (method != null && written != null) {
                    Subject on = madeOn(study, subject);
                    written.requireSameAs(method, on, on.equals(subject) ? found.finding() : method.run(on));
                }
                new RobustnessReport(
                                console,
                                study,
                                repeated.title(),
                                options.metric(),
                                study.pairs().size(),
                                robustness(found, variations.run()))
                        .print(options.json());
            } finally {
                others.values().forEach(Gpt2::close);
            }
        }
    }

    private Robustness robustness(Variation found, List<Variation> variations) {
        return Robustness.of(
                found,
                variations,
                smallest,
                replicates,
                CounterRandom.of(options.pairs().seed()).named("robustness/units"));
    }

    /** The method that made the written finding, which {@link #check} has read. */
    private Method fromFile(Study study, Subject subject) {
        return Objects.requireNonNull(written).method(madeOn(study, subject));
    }

    /** A circuit is found on a part of the pairs of a file. */
    private Subject madeOn(Study study, Subject subject) {
        if (!Objects.requireNonNull(written).isCircuit()) {
            return subject;
        }
        PromptPairs found = options.pairs()
                .split(study.pairs(), study.config(), study.vocabulary())
                .getFirst();
        return new Subject(subject.model(), found, subject.metric(), subject.seed());
    }

    /** A table of heads, on its own prompts. */
    private void ofAttention(Study study, WrittenFinding table) {
        if (method != null || circuit != null) {
            throw new BadInputException(finding + " is a table of heads, which is repeated without pairs; leave out"
                    + " METHOD and --circuit");
        }
        Map<String, Gpt2> others = new LinkedHashMap<>();
        try (Gpt2 model = study.start()) {
            AttentionVariations variations = AttentionVariations.of(
                            table, model, options.pairs().seed())
                    .prompts("prompts of " + study.pairsOrigin(), study.pairs().clean(study.config()));
            for (String name : checkpoints) {
                variations = variations.checkpoint(name, others.computeIfAbsent(name, n -> checkpoint(study, n)));
            }
            Robustness robustness = robustness(variations.finding(), variations.run());
            new RobustnessReport(console, study, table.title(), null, variations.size(), robustness)
                    .print(options.json());
        } finally {
            others.values().forEach(Gpt2::close);
        }
    }

    private static int[] repeated(int[] tokens, int times) {
        return IntStream.range(0, times * tokens.length)
                .map(i -> tokens[i % tokens.length])
                .toArray();
    }

    /** Starts another checkpoint, which must have the model's heads and tokens. */
    private Gpt2 checkpoint(Study study, String name) {
        try (Checkpoint other = ModelOptions.of(name).open(console)) {
            Gpt2Config config = other.config();
            Gpt2Config own = study.config();
            if (config.nLayers() != own.nLayers()
                    || config.nHeads() != own.nHeads()
                    || config.dVocab() != own.dVocab()
                    || config.nCtx() < own.nCtx()) {
                throw new BadInputException("--checkpoint " + name + ": expected " + shape(own) + " as " + study.model()
                        + " has, found " + shape(config));
            }
            return study.start(options.analysis().weights(other));
        }
    }

    private static String shape(Gpt2Config config) {
        return config.nLayers() + " layers, " + config.nHeads() + " heads, " + config.dVocab() + " tokens and "
                + config.nCtx() + " positions";
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
