package dev.hyaline.tools.option;

import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.probe.ProbedPrompts;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.prompt.WordLists;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The prompts of a probe and their labels: of a task, or from a file. */
public final class ProbeOptions implements CheckedOptions {
    private static final int DEFAULT_COUNT = 200;
    private static final String ANSWER = "answer";
    private static final String STRATUM = "stratum";
    private static final String GENDER = "gender:";

    /** The built-in tasks. */
    static final class Tasks extends Choice<Task> {
        Tasks() {
            super(List.of(Task.values()));
        }
    }

    @Option(
            names = "--task",
            paramLabel = "TASK",
            completionCandidates = Tasks.class,
            converter = Tasks.class,
            description = "Prompts drawn for a task: ${COMPLETION-CANDIDATES}. Default: pronouns")
    private @Nullable Task task;

    @Option(
            names = "--label",
            paramLabel = "LABEL",
            description = {
                "The label of a task's prompt: answer, stratum, a role (the token there, such as S1), or gender:ROLE of"
                        + " the name there. Default: gender:IO for ioi-..., answer for others"
            })
    private @Nullable String label;

    @Option(
            names = "--labels",
            paramLabel = "FILE",
            description = {
                "Prompts and labels from a CSV file with the columns prompt, position (an index or last), label, and"
                        + " perhaps group: what rows share, such as a name."
            })
    private @Nullable String labels;

    @Option(names = "--count", paramLabel = "N", description = "Prompts to draw for a task. Default: 200")
    private @Nullable Integer count;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of all draws. Default: 1")
    private long seed = 1;

    @Option(
            names = "--positions",
            paramLabel = "WHICH",
            description = "Positions of a task's prompts, by index (0,3-5,-1) or role (name,end). Default: all")
    private @Nullable String positions;

    @Option(names = "--no-bos", description = "Do not put the token that begins a text before each.")
    private boolean noBos;

    private @Nullable LabelFile file;

    /**
     * The prompts of a study.
     *
     * @param pairs null for a file
     * @param name of what is probed
     */
    public record Probed(ProbedPrompts prompts, @Nullable PromptPairs pairs, String name, String origin) {}

    @Override
    public void check() {
        if (labels != null && (task != null || label != null || count != null || positions != null)) {
            throw new BadInputException("--task, --label, --count and --positions are of tasks; --labels brings its own"
                    + " prompts, labels and positions");
        }
        if (count != null && (count < 4 || count > Task.MAX_PAIRS)) {
            throw new BadInputException(
                    "--count: the number of prompts must be from 4 to " + Task.MAX_PAIRS + ", found " + count);
        }
        if (positions != null) {
            RolePositions.check(positions);
        }
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (labels != null) {
            file = LabelFile.read("--labels", labels);
        }
    }

    public long seed() {
        return seed;
    }

    /** Returns whether the prompts are a task's, so that they have answers and a pair each. */
    public boolean hasAnswers() {
        return labels == null;
    }

    public Probed read(Gpt2Config config, ModelVocabulary vocabulary) {
        PromptEncoder encoder = PairOptions.encoder(vocabulary, !noBos);
        return file != null ? ofFile(file, config, encoder) : ofTask(config, encoder, vocabulary);
    }

    private Probed ofTask(Gpt2Config config, PromptEncoder encoder, ModelVocabulary vocabulary) {
        Task chosen = task == null ? Task.PRONOUNS : task;
        PromptPairs pairs = PromptPairs.of(config, chosen.draw(encoder, count == null ? DEFAULT_COUNT : count, seed));
        String by = label != null ? label : chosen.otherOrder().isPresent() ? GENDER + "IO" : ANSWER;
        List<String> names = pairs.list().stream()
                .map(pair -> label(pair, by, encoder, vocabulary))
                .toList();
        PositionAxis axis = RolePositions.of(pairs, vocabulary, positions);
        int[][] at = new int[axis.size()][pairs.size()];
        for (int step = 0; step < at.length; step++) {
            for (int pair = 0; pair < pairs.size(); pair++) {
                at[step][pair] = axis.at(step, pair);
            }
        }
        Units types = pairs.units().orElse(Units.each(pairs.size()));
        return new Probed(
                prompts(pairs.clean(config), names, types, axis.axis(), at),
                pairs,
                named(by, names),
                chosen + ", label " + by);
    }

    /** Two classes speak for themselves. */
    private static String named(String by, List<String> names) {
        TreeSet<String> classes = new TreeSet<>(names);
        return classes.size() == 2 ? String.join(" or ", classes) : by;
    }

    private static String label(PromptPair pair, String by, PromptEncoder encoder, ModelVocabulary vocabulary) {
        if (by.equals(ANSWER)) {
            return vocabulary.label(pair.answers()[0]);
        }
        if (by.equals(STRATUM)) {
            return Optional.ofNullable(pair.stratum())
                    .orElseThrow(() -> new BadInputException(
                            "--label stratum: " + Printable.plain(pair.name()) + " has no stratum"));
        }
        boolean gender = by.startsWith(GENDER);
        String role = gender ? by.substring(GENDER.length()) : by;
        int position;
        try {
            position = pair.position(role);
        } catch (BadInputException e) {
            throw new BadInputException("--label: " + e.getMessage());
        }
        String word = vocabulary.label(pair.clean()[position]);
        if (!gender) {
            return word;
        }
        WordLists words = WordLists.read(encoder);
        if (words.femaleNames().contains(word)) {
            return "female";
        }
        if (words.maleNames().contains(word)) {
            return "male";
        }
        throw new BadInputException("--label " + by + ": '" + Printable.plain(word) + "' is no name of a known gender");
    }

    private Probed ofFile(LabelFile csv, Gpt2Config config, PromptEncoder encoder) {
        List<int[]> tokens = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<String> shared = new ArrayList<>();
        int[] at = new int[csv.rows().size()];
        for (int i = 0; i < at.length; i++) {
            LabelFile.Row row = csv.rows().get(i);
            int[] prompt = encoder.prompt(row.prompt());
            int length = prompt.length;
            int position = row.position().equals("last") ? -1 : Integer.parseInt(row.position());
            at[i] = position < 0 ? length + position : position;
            if (at[i] < 0 || at[i] >= length) {
                throw new BadInputException(labels + ", line " + row.line() + ": the prompt has " + length
                        + " tokens, and no position " + row.position());
            }
            tokens.add(prompt);
            names.add(row.prompt());
            shared.add(csv.grouped() ? row.group() : row.prompt());
        }
        return new Probed(
                prompts(
                        Prompts.of(config, tokens, names),
                        csv.rows().stream().map(LabelFile.Row::label).toList(),
                        Units.of(shared),
                        new Axis(Axis.POSITION, List.of("labelled")),
                        new int[][] {at}),
                null,
                "label",
                String.valueOf(labels));
    }

    private static ProbedPrompts prompts(
            Prompts prompts, List<String> names, Units types, Axis axis, int[][] positions) {
        List<String> classes = List.copyOf(new TreeSet<>(names));
        return new ProbedPrompts(
                prompts, names.stream().mapToInt(classes::indexOf).toArray(), classes, types, axis, positions);
    }
}
