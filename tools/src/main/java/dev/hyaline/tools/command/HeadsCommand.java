package dev.hyaline.tools.command;

import dev.hyaline.analysis.attention.AttentionMeasurement;
import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.attention.HeadPattern;
import dev.hyaline.analysis.attention.PatternEvidence;
import dev.hyaline.analysis.attention.PatternPicture;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.RandomTokens;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Figures;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.AttentionRecord;
import dev.hyaline.explorer.view.AttentionView;
import dev.hyaline.explorer.view.HeadGridView;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.tools.option.AnalysisOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.PatternReport;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline heads}: a classification of attention heads. */
@Command(
        name = "heads",
        header = "Classifies every attention head by where it looks.",
        description = {
            "",
            "Scores each head as a previous-token, induction, duplicate-token, first-token, current-token or local"
                + " head by the share of its attention at the positions such heads look at, on random sequences given"
                + " twice or on prompts, and shows how its attention is spread. Then names the patterns that heads"
                + " keep to on random and on natural prompts (of a task, or those given) alike: these kinds, separator"
                + " (at punctuation), role:X (from the end of a task's prompt), uniform, positional, or mixed."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline heads                                    on repeated random words",
            "  hyaline heads --model gpt2 --random tokens --draws 10 --seed 3 --out heads",
            "  hyaline heads --prompt \"When Mary and John went to the store, John gave a drink to\" --out heads",
            "",
            "Beside the tables, --out writes the picture attention-patterns: every head's map of the first",
            "prompt, if it has at most 64 tokens."
        })
public final class HeadsCommand implements Runnable, CheckedOptions {
    /** The name of the picture of the first prompt's attention. */
    private static final String PATTERNS = "attention-patterns";

    private static final List<String> TABLES =
            List.of("heads", "entropy", "entropy-share", "largest-weight", "share-above", "distances", "half-distance");
    private static final Task NATURAL = Task.IOI_ABBA;
    private static final int NATURAL_COUNT = 16;
    private static final int DEFAULT_DRAWS = 16;
    private static final int DEFAULT_LENGTH = 20;
    /** In models with more heads, heads of no kind are not shown but only written. */
    private static final int MAX_SHOWN = 64;

    /** The vocabularies of random sequences. */
    static final class Pools extends Choice<String> {
        Pools() {
            super(List.of("words", "tokens"));
        }
    }

    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Option(
            names = "--random",
            paramLabel = "POOL",
            completionCandidates = Pools.class,
            converter = Pools.class,
            description = {
                "Without prompts: sequences of random ${COMPLETION-CANDIDATES}, given twice. Default: words for fable,"
                        + " which was trained on no other sequences, tokens for any other model"
            })
    private @Nullable String random;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "Tokens in a sequence before it is repeated. Default: 20")
    private @Nullable Integer length;

    @Option(names = "--draws", paramLabel = "N", description = "Number of random sequences. Default: 16")
    private @Nullable Integer draws;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the random sequences. Default: 1")
    private @Nullable Long seed;

    @Option(
            names = "--threshold",
            paramLabel = "X",
            description = "Lowest score at which a head counts as one of a kind. Default: ${DEFAULT-VALUE}")
    private float threshold = 0.4f;

    @Option(
            names = "--above",
            paramLabel = "X",
            description = "Attention above which a key counts as looked at. Default: ${DEFAULT-VALUE}")
    private double above = 0.1;

    @Mixin
    private TopOption top;

    @Mixin
    private PageOption page;

    @Mixin
    private AnalysisOptions options;

    public HeadsCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (promptOptions.isGiven() && (random != null || length != null || draws != null || seed != null)) {
            throw new BadInputException("--random, --length, --draws and --seed draw prompts, but prompts are given");
        }
        positive("--draws", draws == null ? DEFAULT_DRAWS : draws);
        positive("--length", length == null ? DEFAULT_LENGTH : length);
        if (!(threshold >= 0 && threshold <= 1)) {
            throw new BadInputException(
                    "--threshold: the threshold of a head's score must be from 0 to 1, found " + threshold);
        }
        if (!(above >= 0 && above < 1)) {
            throw new BadInputException(
                    "--above: the threshold of attention must be at least 0 and below 1, found " + above);
        }
        options.tables().requireFree(names());
    }

    @Override
    public void run() {
        boolean given = promptOptions.isGiven();
        try (Checkpoint checkpoint = options.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Prompts prompts = given
                    ? promptOptions.encode(promptOptions.read(), checkpoint.config(), vocabulary)
                    : drawn(checkpoint, vocabulary, /* twice= */ true);
            Optional<TableFolder> folder = options.tables().folder(checkpoint, names());
            try (Gpt2 model = options.start(options.weights(checkpoint), console)) {
                AttentionMeasurement attention = AttentionMeasurement.measure(model, prompts, above);
                ResultTable measured = attention.scores();
                // Every random sequence is a draw of its own; what given prompts share is not known.
                ResultTable scores = given ? measured : measured.ofUnits(Units.each(prompts.size()));
                AttentionStatistics statistics = attention.statistics();
                List<HeadClass> classes = HeadClass.classify(scores, threshold);
                PatternReport patterns = patterns(model, checkpoint, vocabulary, prompts, given);
                if (options.json()) {
                    JsonOutput.print(console, out -> {
                        json(out, checkpoint.name(), classes, scores, statistics, patterns);
                        top.writeNames(
                                out,
                                ranked(classes)
                                        .map(head -> head.layer() + "." + head.head())
                                        .toList());
                    });
                } else {
                    show(checkpoint.name(), prompts, given, classes, scores, statistics);
                    patterns.show(console);
                }
                page.write(
                        console,
                        checkpoint,
                        () -> page(checkpoint.name(), model, vocabulary, prompts, given, scores, classes, statistics),
                        options.json());
                List<ResultTable> tables = new ArrayList<>(List.of(scores));
                tables.addAll(statistics.tables());
                Map<String, ResultTable> named = new LinkedHashMap<>();
                String origin = checkpoint.name() + ", "
                        + (given ? DisplayText.plural(prompts.size(), "prompt") : "random sequences given twice");
                TABLES.forEach(name ->
                        named.put(name, tables.get(named.size()).from(origin).ofSamples(given ? "prompts" : "draws")));
                folder.ifPresent(out -> {
                    out.write(console, named, options.json());
                    patternPicture(model, checkpoint.name(), vocabulary, prompts)
                            .ifPresent(picture -> out.write(console, PATTERNS, picture, options.json()));
                });
            }
        }
    }

    /** The names of the tables and the picture. */
    private static String[] names() {
        return Stream.concat(TABLES.stream(), Stream.of(PATTERNS)).toArray(String[]::new);
    }

    /** A picture of all heads' patterns on the first prompt; empty if it could not be read. */
    private static Optional<PatternPicture> patternPicture(
            Gpt2 model, String name, ModelVocabulary vocabulary, Prompts prompts) {
        int[] tokens = prompts.tokens(0);
        return PatternPicture.fits(model.config(), tokens.length)
                ? Optional.of(PatternPicture.of(
                        model,
                        "Attention patterns of " + name
                                + (prompts.size() == 1 ? "" : ", prompt 0 of " + prompts.size()),
                        tokens,
                        IntStream.of(tokens)
                                .mapToObj(token -> EscapedText.plain(vocabulary.text(token)))
                                .toList()))
                : Optional.empty();
    }

    /** The heads, with pictures of the first prompt, and where each looks there. */
    private Page page(
            String name,
            Gpt2 model,
            ModelVocabulary vocabulary,
            Prompts prompts,
            boolean given,
            ResultTable scores,
            List<HeadClass> classes,
            AttentionStatistics statistics) {
        int[] first = prompts.tokens(0);
        ViewHeading heading = page.heading("Attention heads", name)
                .withPrompt("", IntStream.of(first).mapToObj(vocabulary::shown).toList())
                .withBasis("numbers of "
                        + DisplayText.plural(prompts.size(), given ? "prompt" : "random sequence")
                        + (prompts.size() == 1 ? "" : ", pictures of the first"));
        if (!given) {
            heading = heading.withSeed(seed());
        }
        AttentionRecord attention = AttentionRecord.of(model, first);
        return Page.of(
                "Attention heads: " + name,
                HeadGridView.of(heading, attention, scores, classes, statistics),
                AttentionView.of(heading.withTitle("Tokens and attention"), attention));
    }

    private long seed() {
        return seed == null ? 1 : seed;
    }

    /** Patterns on random prompts and natural ones, as far as the model's tokens make both. */
    private PatternReport patterns(
            Gpt2 model, Checkpoint checkpoint, ModelVocabulary vocabulary, Prompts prompts, boolean given) {
        IntPredicate punctuation = token -> isPunctuation(vocabulary.text(token));
        List<PatternEvidence> evidence = new ArrayList<>(List.of(PatternEvidence.measure(model, prompts, punctuation)));
        PatternEvidence once = null;
        String others = given ? "random sequences" : "prompts of " + NATURAL;
        try {
            if (given) {
                evidence.add(
                        PatternEvidence.measure(model, drawn(checkpoint, vocabulary, /* twice= */ true), punctuation));
            } else {
                PromptPairs pairs = PromptPairs.of(
                        checkpoint.config(),
                        NATURAL.draw(PairOptions.encoder(vocabulary, promptOptions.begins()), NATURAL_COUNT, 1));
                PatternEvidence natural = PatternEvidence.measure(
                        model,
                        pairs.clean(checkpoint.config()),
                        punctuation,
                        pairs.list().stream().map(PromptPair::roles).toList());
                evidence.add(pairs.units().map(natural::ofUnits).orElse(natural));
            }
            once = PatternEvidence.measure(model, drawn(checkpoint, vocabulary, /* twice= */ false), punctuation);
        } catch (BadInputException e) {
            // A vocabulary without the words, or a context too short for the sequences: one kind of prompts is left.
            others = "no others: " + e.getMessage();
        }
        return new PatternReport(
                HeadPattern.classify(evidence, once), (given ? "these prompts and " : "these sequences and ") + others);
    }

    private static boolean isPunctuation(String text) {
        return !text.isBlank()
                && text.strip().codePoints().allMatch(c -> !Character.isLetterOrDigit(c) && !Character.isWhitespace(c))
                && text.strip().length() <= 2;
    }

    private Prompts drawn(Checkpoint checkpoint, ModelVocabulary vocabulary, boolean twice) {
        PromptEncoder encoder = PairOptions.encoder(vocabulary, promptOptions.begins());
        String pool = random != null ? random : checkpoint.name().equals("fable") ? "words" : "tokens";
        RandomTokens tokens = pool.equals("words") ? RandomTokens.ofWords(encoder) : RandomTokens.ofVocabulary(encoder);
        int count = draws == null ? DEFAULT_DRAWS : draws;
        int once = length == null ? DEFAULT_LENGTH : length;
        SplittableRandom seeded = new SplittableRandom(seed());
        List<int[]> sequences = IntStream.range(0, count)
                .mapToObj(draw -> {
                    int[] sequence = tokens.repeated(once, encoder, seeded);
                    return twice ? sequence : Arrays.copyOf(sequence, sequence.length - once);
                })
                .toList();
        return Prompts.of(
                checkpoint.config(),
                sequences,
                IntStream.range(0, count).mapToObj(draw -> "draw " + draw).toList());
    }

    private static void positive(String option, int value) {
        if (value < 1 || value > Task.MAX_PAIRS) {
            throw new BadInputException(option + " must be from 1 to " + Task.MAX_PAIRS + ", found " + value);
        }
    }

    private void show(
            String model,
            Prompts prompts,
            boolean given,
            List<HeadClass> classes,
            ResultTable scores,
            AttentionStatistics statistics) {
        String what = given
                ? DisplayText.plural(prompts.size(), "prompt")
                : DisplayText.plural(prompts.size(), "random sequence") + " given twice";
        console.out().println(console.bold(model) + "  " + what);
        console.out().println();
        Table table = new Table(
                "head", "kind", ">score", ">error", ">effect", ">95% interval", ">p", ">adjusted", "", ">lead");
        Table spread = new Table(
                "head", ">entropy", ">of ln n", ">largest", ">keys above " + TableView.figure(above), ">half within");
        long unnamed = classes.stream().filter(head -> head.type() == null).count();
        for (HeadClass head : shown(classes)) {
            List<Object> row = new ArrayList<>(List.of(
                    head.layer() + "." + head.head(),
                    Objects.requireNonNullElse(head.type(), "-"),
                    head.score(),
                    Figures.plusMinus(head.standardError())));
            row.addAll(bestCell(scores, head)
                    .map(best -> TableView.figures(scores, best))
                    .orElse(List.of("-", "-", "-", "-", "")));
            row.add(head.margin());
            table.row(row.toArray());
            int cell = statistics.entropy().cell(head.layer(), head.head());
            spread.row(
                    head.layer() + "." + head.head(),
                    statistics.entropy().mean(cell),
                    statistics.entropyShare().mean(cell),
                    statistics.largestWeight().mean(cell),
                    statistics.shareAbove().mean(cell),
                    statistics.halfDistance().mean(cell));
        }
        table.print(console);
        TableView.explain(console, scores);
        console.out().println();
        console.out().println("Spread of attention, means over queries from the second on:");
        spread.print(console);
        console.out().println();
        List<String> kinds = new ArrayList<>();
        for (String type : scores.axes().getFirst().labels()) {
            List<String> heads = classes.stream()
                    .filter(head -> type.equals(head.type()))
                    .map(head -> head.layer() + "." + head.head())
                    .toList();
            if (!heads.isEmpty()) {
                kinds.add(console.bold(type) + " " + String.join(" ", heads));
            }
        }
        kinds.forEach(console.out()::println);
        console.out()
                .println(console.dim(unnamed + " of " + classes.size() + " heads score below "
                        + TableView.figure(threshold) + " for every kind"));
    }

    /** The heads to show: those with the highest scores if so many are asked for, or else the named ones of many. */
    private List<HeadClass> shown(List<HeadClass> classes) {
        if (top.count() != null) {
            return ranked(classes).limit(top.count(MAX_SHOWN)).toList();
        }
        return classes.stream()
                .filter(head -> head.type() != null || classes.size() <= MAX_SHOWN)
                .toList();
    }

    /** The heads, the highest scores first. */
    private static Stream<HeadClass> ranked(List<HeadClass> classes) {
        return classes.stream().sorted(Comparator.comparingDouble(head -> -head.score()));
    }

    /** The cell of the head's best score; empty if no prompt has a key to look at. */
    private static Optional<Integer> bestCell(ResultTable scores, HeadClass head) {
        return IntStream.range(0, scores.axes().getFirst().size())
                .map(type -> scores.cell(type, head.layer(), head.head()))
                .filter(cell -> scores.mean(cell) == head.score())
                .boxed()
                .findFirst();
    }

    private static void json(
            JsonGenerator out,
            String model,
            List<HeadClass> classes,
            ResultTable scores,
            AttentionStatistics statistics,
            PatternReport patterns) {
        out.writeStringProperty("pattern_prompts", patterns.prompts());
        out.writeStringProperty("model", model);
        TableText.writeTests(scores, out);
        out.writeArrayPropertyStart("heads");
        for (HeadClass head : classes) {
            int cell = statistics.entropy().cell(head.layer(), head.head());
            out.writeStartObject();
            out.writeNumberProperty("layer", head.layer());
            out.writeNumberProperty("head", head.head());
            out.writeName("kind");
            if (head.type() != null) {
                out.writeString(head.type());
            } else {
                out.writeNull();
            }
            JsonOutput.number(out, "score", head.score());
            JsonOutput.number(out, "standard_error", head.standardError());
            TableText.writeFigures(scores, bestCell(scores, head).orElse(-1), out);
            JsonOutput.number(out, "margin", head.margin());
            out.writeObjectPropertyStart("scores");
            List<String> types = scores.axes().getFirst().labels();
            for (int type = 0; type < types.size(); type++) {
                JsonOutput.number(out, types.get(type), scores.meanAt(type, head.layer(), head.head()));
            }
            out.writeEndObject();
            patterns.write(out, head.layer(), head.head());
            JsonOutput.number(out, "entropy", statistics.entropy().mean(cell));
            JsonOutput.number(out, "entropy_share", statistics.entropyShare().mean(cell));
            JsonOutput.number(out, "largest_weight", statistics.largestWeight().mean(cell));
            JsonOutput.number(out, "share_above", statistics.shareAbove().mean(cell));
            JsonOutput.number(out, "half_distance", statistics.halfDistance().mean(cell));
            out.writeEndObject();
        }
        out.writeEndArray();
    }
}
