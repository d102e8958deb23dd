package dev.hyaline.tools.option;

import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Utf8;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The pairs of prompts that a command compares. */
public final class PairOptions implements CheckedOptions {
    private static final long DEFAULT_SEED = 1;
    private static final int DEFAULT_COUNT = 8;

    /** The built-in tasks. */
    static final class Tasks extends Choice<Task> {
        Tasks() {
            super(List.of(Task.values()));
        }
    }

    @ArgGroup
    private Source source = new Source();

    private @Nullable PairFile file;

    @Option(names = "--count", paramLabel = "N", description = "Pairs to draw for a task. Default: 8")
    private @Nullable Integer count;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the draw. Default: 1")
    private @Nullable Long seed;

    @Option(names = "--no-bos", description = "Do not put the token that begins a text before each.")
    private boolean noBos;

    /** The origin of the pairs: a task, a file or the command line. */
    private static final class Source {
        @Option(
                names = "--task",
                paramLabel = "TASK",
                completionCandidates = Tasks.class,
                converter = Tasks.class,
                description = {
                    "Pairs drawn for a task: ${COMPLETION-CANDIDATES}. The corrupted prompt of ioi-abba and ioi-baba"
                            + " has the other name at S2, that of ...-abc three unrelated names. Default: ioi-abba"
                })
        private @Nullable Task task;

        @Option(
                names = "--pairs",
                paramLabel = "FILE",
                description = {
                    "Pairs from a JSON file: a list of objects with \"clean\" and \"corrupted\" (texts, token ids, or"
                            + " with a \"template\" the words of its slots), \"answer\", \"distractor\","
                            + " \"positions\", \"unit\" (what the pair shares with others, such as a name),"
                            + " \"stratum\"."
                })
        private @Nullable String file;

        @ArgGroup(exclusive = false)
        private @Nullable Written written;
    }

    /** A pair on the command line. */
    private static final class Written {
        @Option(
                names = "--clean",
                paramLabel = "TEXT",
                description = "One pair: the prompt on which the model does the task.")
        private @Nullable String clean;

        @Option(
                names = "--corrupted",
                paramLabel = "TEXT",
                description =
                        "The prompt of the pair on which the model does not do the task, of as many tokens as --clean.")
        private @Nullable String corrupted;

        @Option(
                names = "--answer",
                paramLabel = "TEXT",
                description = "The right next token of the pair, such as \" Mary\".")
        private @Nullable String answer;

        @Option(names = "--distractor", paramLabel = "TEXT", description = "A wrong next token of the pair.")
        private @Nullable String distractor;
    }

    @Override
    public void check() {
        if (count != null && (count < 1 || count > Task.MAX_PAIRS)) {
            throw new BadInputException(
                    "--count: the number of pairs must be from 1 to " + Task.MAX_PAIRS + ", found " + count);
        }
        if ((source.file != null || source.written != null) && (count != null || seed != null)) {
            throw new BadInputException("--count and --seed draw pairs for a task, but pairs are given");
        }
        if (source.file != null) {
            PathOption.readable("--pairs", source.file);
        }
        Written written = source.written;
        if (written != null && (written.clean == null || written.corrupted == null || written.answer == null)) {
            throw incomplete();
        }
    }

    private static BadInputException incomplete() {
        return new BadInputException("a pair needs --clean, --corrupted and --answer (and usually --distractor)");
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (source.file != null) {
            file = pairs(PathOption.parse("--pairs", source.file));
        }
    }

    private static PairFile pairs(Path file) {
        if (Files.isRegularFile(file)) {
            return PairFile.read(file);
        }
        // A pipe, as the shell makes of <(...), can be read only once.
        return PairFile.parse(
                file.toString(), Utf8.strict(InputErrors.INSTANCE, file.toString(), WholeFile.read(file)));
    }

    /** Returns the chosen pairs, checked against a model. */
    public PromptPairs read(Gpt2Config config, ModelVocabulary vocabulary) {
        PromptEncoder encoder = encoder(vocabulary, !noBos);
        if (source.written != null) {
            return PromptPairs.of(config, List.of(written(source.written, encoder)));
        }
        if (file != null) {
            List<PromptPair> pairs = file.encode(encoder);
            try {
                return PromptPairs.of(config, pairs);
            } catch (BadInputException e) {
                throw new BadInputException(source.file + ": " + e.getMessage());
            }
        }
        return PromptPairs.of(
                config,
                (source.task == null ? Task.IOI_ABBA : source.task)
                        .draw(encoder, count == null ? DEFAULT_COUNT : count, seed()));
    }

    /**
     * Returns the pairs for discovery and those for evaluation: for a task, those of {@link #read} and as many more;
     * for a file, its first half and its second. A single pair serves for both.
     *
     * @param pairs those that {@link #read} gave
     */
    public List<PromptPairs> split(PromptPairs pairs, Gpt2Config config, ModelVocabulary vocabulary) {
        List<PromptPair> found = pairs.list();
        if (source.written == null && file == null) {
            List<PromptPair> more = (source.task == null ? Task.IOI_ABBA : source.task)
                    .draw(encoder(vocabulary, !noBos), 2 * found.size(), seed());
            List<PromptPair> others = more.subList(found.size(), more.size()).stream()
                    .filter(pair -> !found.contains(pair))
                    .toList();
            return others.isEmpty() ? List.of(pairs, pairs) : List.of(pairs, PromptPairs.of(config, others));
        }
        int half = (found.size() + 1) / 2;
        return found.size() < 2
                ? List.of(pairs, pairs)
                : List.of(
                        PromptPairs.of(config, found.subList(0, half)),
                        PromptPairs.of(config, found.subList(half, found.size())));
    }

    /** Pairs of the task drawn otherwise, as many as there are; none for pairs that are given. */
    public List<OtherDraw> otherDraws(PromptPairs pairs, Gpt2Config config, ModelVocabulary vocabulary) {
        if (source.written != null || file != null) {
            return List.of();
        }
        Task task = source.task == null ? Task.IOI_ABBA : source.task;
        PromptEncoder encoder = encoder(vocabulary, !noBos);
        List<OtherDraw> draws = new ArrayList<>();
        task.otherOrder()
                .ifPresent(other -> draws.add(new OtherDraw(
                        "order",
                        "the other order of names",
                        PromptPairs.of(config, other.draw(encoder, pairs.size(), seed())))));
        task.drawInOtherWords(encoder, pairs.size(), seed())
                .forEach((template, drawn) ->
                        draws.add(new OtherDraw("templates", template, PromptPairs.of(config, drawn))));
        long next = seed() + 1;
        draws.add(new OtherDraw(
                "seed", "of seed " + next, PromptPairs.of(config, task.draw(encoder, pairs.size(), next))));
        return draws;
    }

    /** Pairs of a task drawn in another way, and the name of that way and of its kind. */
    public record OtherDraw(String family, String name, PromptPairs pairs) {}

    /** The name of the task or the file that the pairs are from. */
    public String origin() {
        if (source.written != null) {
            return "one pair";
        }
        if (source.file != null) {
            return source.file;
        }
        return (source.task == null ? Task.IOI_ABBA : source.task).toString();
    }

    /** Returns whether the pairs are drawn for a task. */
    public boolean areDrawn() {
        return source.written == null && source.file == null;
    }

    /** The seed, also for other random choices of the command. */
    public long seed() {
        return seed == null ? DEFAULT_SEED : seed;
    }

    /** Returns whether the token that begins a text is put before each prompt. */
    public boolean begins() {
        return !noBos;
    }

    private static PromptPair written(Written written, PromptEncoder encoder) {
        if (written.clean == null || written.corrupted == null || written.answer == null) {
            throw incomplete();
        }
        return new PromptPair(
                written.clean,
                encoder.prompt(written.clean),
                encoder.prompt(written.corrupted),
                new int[] {token("--answer", written.answer, encoder)},
                written.distractor == null
                        ? new int[0]
                        : new int[] {token("--distractor", written.distractor, encoder)},
                Map.of());
    }

    private static int token(String option, String text, PromptEncoder encoder) {
        try {
            return encoder.token(text);
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }

    public static PromptEncoder encoder(ModelVocabulary vocabulary, boolean begin) {
        return PromptEncoder.of(vocabulary.required(), begin);
    }
}
