package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.json.InterventionJson;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The interventions that a command makes. */
public final class EditOptions implements CheckedOptions {
    @Option(
            names = {"-e", "--edits"},
            paramLabel = "FILE",
            description = {
                "A JSON file of interventions, as the guide shows it (help editing). They come first; the options below"
                        + " come in the order shown here."
            })
    private @Nullable String file;

    @Option(
            names = "--zero",
            paramLabel = "SITES",
            completionCandidates = SelectionOptions.Names.class,
            description = {
                "Write zeros: --zero z2, of layer 2 alone. Sites are named as for the command sites, with commas and"
                        + " globs: z,mlp_out or 'resid_*'."
            })
    private List<String> zero = new ArrayList<>();

    @Option(
            names = "--set",
            paramLabel = "SITES=X",
            completionCandidates = SelectionOptions.NamesWithValue.class,
            description = "Write a number: --set ln_final.scale=1")
    private List<String> set = new ArrayList<>();

    @Option(
            names = "--scale",
            paramLabel = "SITES=X",
            completionCandidates = SelectionOptions.NamesWithValue.class,
            description = "Multiply by a number: --scale attn_out=0.5")
    private List<String> scale = new ArrayList<>();

    @Option(
            names = "--add",
            paramLabel = "SITES=VECTOR",
            completionCandidates = SelectionOptions.NamesWithValue.class,
            description = {
                "Add a vector, a row of a tensor in a file: --add resid_pre=steer.safetensors:mood:0 (row 0 unless"
                        + " given; the name too may be left out if the file has one tensor), or a .npy of one row;"
                        + " --coefficient says how many times."
            })
    private List<String> add = new ArrayList<>();

    @Option(names = "--coefficient", paramLabel = "X", description = "What --add multiplies by. Default: 1")
    private @Nullable Float coefficient;

    @Option(
            names = "--project-out",
            paramLabel = "SITES=VECTOR",
            completionCandidates = SelectionOptions.NamesWithValue.class,
            description = "Remove the component along a vector, given as for --add.")
    private List<String> projectOut = new ArrayList<>();

    @Option(
            names = "--swap-heads",
            paramLabel = "SITES",
            completionCandidates = SelectionOptions.Names.class,
            description = "Exchange the two heads that the option for heads below names.")
    private List<String> swapHeads = new ArrayList<>();

    @Option(
            names = "--noise",
            paramLabel = "SITES=X",
            completionCandidates = SelectionOptions.NamesWithValue.class,
            description = "Add normal noise of this deviation; see --seed.")
    private List<String> noise = new ArrayList<>();

    @Option(
            names = "--patch",
            paramLabel = "SITES",
            completionCandidates = SelectionOptions.Names.class,
            description = "Write the values of another run, one of --source, at the same positions.")
    private List<String> patch = new ArrayList<>();

    @Option(
            names = "--mean",
            paramLabel = "SITES",
            completionCandidates = SelectionOptions.Names.class,
            description = "Write the mean over all positions of all of --source.")
    private List<String> mean = new ArrayList<>();

    @Option(names = "--by-position", description = "For --mean: take each position's own mean.")
    private boolean byPosition;

    @Option(
            names = "--resample",
            paramLabel = "SITES",
            completionCandidates = SelectionOptions.Names.class,
            description = {
                "Write the values of one of several --source at the same positions, drawn for each prompt; see --seed."
            })
    private List<String> resample = new ArrayList<>();

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = {
                "The same seed draws the same again: for --noise and --resample, and where tokens are drawn. Default: 0"
            })
    private @Nullable Long seed;

    @Mixin
    private EditSource source;

    @Mixin
    private TargetOptions places;

    @Option(
            names = "--in-order",
            description = {
                "Let interventions write the same values: a later one acts on the result of an earlier one. Those of"
                        + " --edits come first, then the options' in the order of this list, wherever they are on the"
                        + " line."
            })
    private boolean inOrder;

    private final boolean required;
    /** Whether the seed is also for tokens that the command draws. */
    private final boolean samples;

    /** The options of a command that is nothing without an edit. */
    public EditOptions() {
        this(true, false, new PlainTargets());
    }

    private EditOptions(boolean required, boolean samples, TargetOptions places) {
        this.required = required;
        this.samples = samples;
        this.places = places;
    }

    /**
     * The options of a command that draws tokens too, with the same seed.
     *
     * @param required whether it is nothing without an edit
     */
    public static EditOptions sampling(boolean required) {
        return new EditOptions(required, true, new PlainTargets());
    }

    /** Returns whether an edit writes values that are drawn. */
    public boolean drawsValues() {
        return !noise.isEmpty() || !resample.isEmpty();
    }

    /** The seed; null if none is given. */
    public @Nullable Long seed() {
        return seed;
    }

    /** The options of a command that also runs models as they are. */
    public static EditOptions optional() {
        return new EditOptions(false, false, new PlainTargets());
    }

    /**
     * The options of a command that also runs models as they are, and whose {@code --layers} and the like choose
     * something else: those of the edits are {@code --edit-layers} and so on.
     */
    public static EditOptions beside() {
        return new EditOptions(false, false, new PrefixedTargets());
    }

    /** Returns whether there is an intervention. */
    public boolean isGiven() {
        return file != null
                || Stream.of(zero, set, scale, add, projectOut, swapHeads, noise, patch, mean, resample)
                        .anyMatch(values -> !values.isEmpty());
    }

    /** The interventions that the options describe. */
    public Interventions read(Gpt2 engine, PromptOptions prompts, ModelVocabulary vocabulary) {
        Gpt2Config config = engine.config();
        Optional<ActivationSource> values = source.read(engine, prompts, vocabulary, pointsTaken(config));
        List<Intervention> list = new ArrayList<>();
        boolean ordered = inOrder;
        if (file != null) {
            Interventions read = read(file, values.orElse(null));
            list.addAll(read.list());
            ordered |= read.isInOrder();
        }
        list.addAll(written(config));
        list.addAll(taken(config, values.orElse(null)));
        if (list.isEmpty()) {
            throw nothingToEdit();
        }
        Interventions interventions = Interventions.of(list);
        return ordered ? interventions.inOrder() : interventions;
    }

    /** The hook points whose values may be taken from the source; a file of edits may take any that a pass has. */
    private Set<HookPoint> pointsTaken(Gpt2Config config) {
        Set<HookPoint> points = new TreeSet<>(file == null ? List.of() : HookPoints.plain(config));
        for (String patterns :
                Stream.of(patch, mean, resample).flatMap(List::stream).toList()) {
            for (Target target : places.targets(config, patterns)) {
                if (target.site().perLayer()) {
                    for (int layer : target.layers().in(config.nLayers(), "layer")) {
                        points.add(HookPoint.of(target.site(), layer));
                    }
                } else {
                    points.add(HookPoint.of(target.site()));
                }
            }
        }
        return points;
    }

    /** The interventions that need no source. */
    private List<Intervention> written(Gpt2Config config) {
        List<Intervention> list = new ArrayList<>();
        float times = coefficient == null ? 1 : coefficient;
        each(config, zero, list, Intervention::zero);
        each(config, "--set", set, list, (target, value) -> Intervention.set(target, number("--set", value)));
        each(config, "--scale", scale, list, (target, value) -> Intervention.scale(target, number("--scale", value)));
        each(
                config,
                "--add",
                add,
                list,
                (target, value) -> new Intervention.Add(target, TargetOptions.vector("--add", value), times));
        each(
                config,
                "--project-out",
                projectOut,
                list,
                (target, value) -> Intervention.projectOut(target, TargetOptions.vector("--project-out", value)));
        each(config, swapHeads, list, Intervention.SwapHeads::new);
        each(
                config,
                "--noise",
                noise,
                list,
                (target, value) -> Intervention.noise(target, number("--noise", value), seedOrZero()));
        return list;
    }

    /** The interventions that take values from another run. */
    private List<Intervention> taken(Gpt2Config config, @Nullable ActivationSource values) {
        List<Intervention> list = new ArrayList<>();
        each(config, patch, list, target -> {
            ActivationSource run = Objects.requireNonNull(values);
            return source.isOne() ? Intervention.patch(target, run, 0) : Intervention.patch(target, run);
        });
        each(config, mean, list, target -> {
            ActivationSource runs = Objects.requireNonNull(values);
            return Intervention.mean(target, byPosition ? Means.byPosition(runs) : Means.overall(runs));
        });
        each(
                config,
                resample,
                list,
                target -> Intervention.resample(target, Objects.requireNonNull(values), seedOrZero()));
        return list;
    }

    /** The options that make the same edits again; none if there is no edit. */
    public List<String> canonical() {
        List<String> options = new ArrayList<>();
        if (file != null) {
            options.addAll(List.of("--edits", file));
        }
        repeat(options, "--zero", zero);
        repeat(options, "--set", set);
        repeat(options, "--scale", scale);
        repeat(options, "--add", add);
        if (coefficient != null) {
            options.addAll(List.of("--coefficient", coefficient.toString()));
        }
        repeat(options, "--project-out", projectOut);
        repeat(options, "--swap-heads", swapHeads);
        repeat(options, "--noise", noise);
        repeat(options, "--patch", patch);
        repeat(options, "--mean", mean);
        if (byPosition) {
            options.add("--by-position");
        }
        repeat(options, "--resample", resample);
        if (drawsValues()) {
            options.addAll(List.of("--seed", Long.toString(seedOrZero())));
        }
        options.addAll(source.canonical());
        options.addAll(places.canonical());
        if (inOrder) {
            options.add("--in-order");
        }
        return options;
    }

    /** Adds an option once for each of its values. */
    static void repeat(List<String> options, String name, List<String> values) {
        values.forEach(value -> options.addAll(List.of(name, value)));
    }

    private long seedOrZero() {
        return seed == null ? 0 : seed;
    }

    /** Also refuses options that would have no effect. */
    @Override
    public void check() {
        List<String> bare = Stream.of(zero, swapHeads, patch, mean, resample)
                .flatMap(List::stream)
                .toList();
        SelectionOptions.requireSites(bare);
        set.forEach(text -> number("--set", valued("--set", text)));
        scale.forEach(text -> number("--scale", valued("--scale", text)));
        noise.forEach(text -> number("--noise", valued("--noise", text)));
        add.forEach(text -> TargetOptions.vector("--add", valued("--add", text)));
        projectOut.forEach(text -> TargetOptions.vector("--project-out", valued("--project-out", text)));
        if (file != null) {
            PathOption.readable("--edits", file);
        }
        boolean shortOptions =
                !bare.isEmpty() || Stream.of(set, scale, noise, add, projectOut).anyMatch(values -> !values.isEmpty());
        if (required && !isGiven()) {
            throw nothingToEdit();
        }
        if (!shortOptions && places.isGiven()) {
            throw new BadInputException(
                    places.names() + " are for --zero and the like; the interventions of --edits have their own");
        }
        if (coefficient != null && add.isEmpty()) {
            throw new BadInputException("--coefficient is for --add");
        }
        if (seed != null && !samples && !drawsValues()) {
            throw new BadInputException("--seed is for --noise and --resample");
        }
        if (byPosition && mean.isEmpty()) {
            throw new BadInputException("--by-position is for --mean");
        }
        boolean taking = !patch.isEmpty() || !mean.isEmpty() || !resample.isEmpty();
        if (source.isGiven() && !taking && file == null) {
            throw new BadInputException("--source and --source-dump are for --patch, --mean, --resample and --edits");
        }
        if (!source.isGiven() && taking) {
            throw EditSource.missing(!patch.isEmpty() ? "--patch" : !mean.isEmpty() ? "--mean" : "--resample");
        }
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (file != null) {
            read(file, source.unread().orElse(null));
        }
    }

    private static Interventions read(String file, @Nullable ActivationSource values) {
        return InterventionJson.read(PathOption.parse("--edits", file), EditSource.named(values));
    }

    private static BadInputException nothingToEdit() {
        return new BadInputException("there is nothing to edit; name it with --zero, --scale, --patch or another of"
                + " the options, or in a file with --edits");
    }

    /** Checks the site of {@code SITES=VALUE} and returns the value. */
    private static String valued(String option, String text) {
        int equals = equalsSign(option, text);
        SelectionOptions.requireSites(List.of(text.substring(0, equals)));
        return text.substring(equals + 1);
    }

    private static int equalsSign(String option, String text) {
        int equals = text.indexOf('=');
        if (equals < 0) {
            throw new BadInputException(option + ": '" + text + "' needs a site and, after =, a value");
        }
        return equals;
    }

    private void each(
            Gpt2Config config, List<String> sites, List<Intervention> list, Function<Target, Intervention> make) {
        for (String patterns : sites) {
            places.targets(config, patterns).forEach(target -> list.add(make.apply(target)));
        }
    }

    private void each(
            Gpt2Config config,
            String option,
            List<String> values,
            List<Intervention> list,
            BiFunction<Target, String, Intervention> make) {
        for (String text : values) {
            int equals = equalsSign(option, text);
            String value = text.substring(equals + 1);
            each(config, List.of(text.substring(0, equals)), list, target -> make.apply(target, value));
        }
    }

    private static float number(String option, String text) {
        try {
            float value = Float.parseFloat(text);
            if (Float.isFinite(value)) {
                return value;
            }
            if (Double.isFinite(Double.parseDouble(text)) || text.matches("[-+]?[0-9.eE+]+")) {
                throw new BadInputException(
                        option + ": expected a number from -3.4e38 to 3.4e38, as float32 has, found '" + text + "'");
            }
        } catch (NumberFormatException e) {
            // As below.
        }
        throw new BadInputException(option + ": expected a number, found '" + text + "'");
    }
}
