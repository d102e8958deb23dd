package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationCache;
import dev.hyaline.instrument.Capture;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Intervention;
import dev.hyaline.instrument.Interventions;
import dev.hyaline.instrument.Means;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Recorded;
import dev.hyaline.instrument.Target;
import dev.hyaline.instrument.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** The interventions a command makes. */
final class EditOptions {
    private static final String SOURCE = "source";
    private static final Pattern TENSOR_ROW = Pattern.compile("(.+\\.safetensors):([^:]+)(?::(\\d{1,9}))?");

    @Option(
            names = {"-e", "--edits"},
            paramLabel = "FILE",
            description = {
                "A JSON file of interventions, as below and in the Javadoc of Interventions. They come first; the"
                        + " options that follow come in the order shown here."
            })
    private String file;

    @Option(names = "--zero", paramLabel = "SITE", description = "Write zeros at a site: --zero z --layers 1 --heads 2")
    private List<String> zero = new ArrayList<>();

    @Option(names = "--set", paramLabel = "SITE=X", description = "Write a number: --set ln_final.scale=1")
    private List<String> set = new ArrayList<>();

    @Option(names = "--scale", paramLabel = "SITE=X", description = "Multiply by a number: --scale attn_out=0.5")
    private List<String> scale = new ArrayList<>();

    @Option(
            names = "--add",
            paramLabel = "SITE=VECTOR",
            description = {
                "Add a vector, a row of a tensor in a file: --add resid_pre=steer.safetensors:mood:0 (row 0 unless"
                        + " given); --coefficient says how many times."
            })
    private List<String> add = new ArrayList<>();

    @Option(names = "--coefficient", paramLabel = "X", description = "What --add multiplies by. Default: 1")
    private Float coefficient;

    @Option(
            names = "--project-out",
            paramLabel = "SITE=VECTOR",
            description = "Remove the component along a vector, given as for --add.")
    private List<String> projectOut = new ArrayList<>();

    @Option(names = "--swap-heads", paramLabel = "SITE", description = "Exchange the two heads that --heads names.")
    private List<String> swapHeads = new ArrayList<>();

    @Option(names = "--noise", paramLabel = "SITE=X", description = "Add normal noise of this deviation; see --seed.")
    private List<String> noise = new ArrayList<>();

    @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same noise. Default: 0")
    private Long seed;

    @Option(
            names = "--patch",
            paramLabel = "SITE",
            description = "Write what another run has at the same positions: one of --source.")
    private List<String> patch = new ArrayList<>();

    @Option(names = "--mean", paramLabel = "SITE", description = "Write the mean over all positions of --source.")
    private List<String> mean = new ArrayList<>();

    @Option(
            names = "--source",
            paramLabel = "TEXT",
            description = {"A prompt whose run --patch and --mean take values from. JSON calls it \"source\"."})
    private String sourceText;

    @Option(
            names = "--source-dump",
            paramLabel = "DIR",
            description =
                    "A dump to take them from instead; --patch takes a prompt's values from the same prompt there.")
    private String sourceDump;

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = "Only these layers, for all the options above: 0,3-5,-1. A full name has its layer.")
    private String layers;

    @Option(names = "--heads", paramLabel = "HEADS", description = "Only these heads, likewise.")
    private String heads;

    @Option(
            names = "--components",
            paramLabel = "LIST",
            description = "Only these neurons, dimensions, keys of an attention map or logits, likewise.")
    private String components;

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = "Only these positions of each prompt, likewise: 0,3-5,-1 or last.")
    private String positions;

    @Option(
            names = "--in-order",
            description = "Let interventions write the same values: a later one acts on what an earlier one left.")
    private boolean inOrder;

    /** The interventions that the options describe. */
    Interventions read(Gpt2 engine, PromptOptions prompts, Vocabulary vocabulary) {
        Optional<Recorded> source = source(engine, prompts, vocabulary);
        List<Intervention> list = new ArrayList<>();
        boolean ordered = inOrder;
        if (file != null) {
            Interventions read = Interventions.read(
                    ModelOptions.path("--edits", file),
                    source.map(run -> Map.of(SOURCE, run)).orElse(Map.of()));
            list.addAll(read.list());
            ordered |= read.isInOrder();
        }
        int fromFile = list.size();
        zero.forEach(site -> list.add(Intervention.zero(target("--zero", site))));
        each("--set", set, list, (target, value) -> Intervention.set(target, number("--set", value)));
        each("--scale", scale, list, (target, value) -> Intervention.scale(target, number("--scale", value)));
        float times = coefficient == null ? 1 : coefficient;
        each("--add", add, list, (target, value) -> new Intervention.Add(target, vector("--add", value), times));
        each(
                "--project-out",
                projectOut,
                list,
                (target, value) -> Intervention.projectOut(target, vector("--project-out", value)));
        swapHeads.forEach(site -> list.add(new Intervention.SwapHeads(target("--swap-heads", site))));
        long noiseSeed = seed == null ? 0 : seed;
        each(
                "--noise",
                noise,
                list,
                (target, value) -> Intervention.noise(target, number("--noise", value), noiseSeed));
        patch.forEach(site -> list.add(patch(target("--patch", site), required(source, "--patch"))));
        mean.forEach(
                site -> list.add(Intervention.mean(target("--mean", site), Means.overall(required(source, "--mean")))));
        requireUsed(list.size() > fromFile, list.isEmpty());
        Interventions interventions = Interventions.of(list);
        return ordered ? interventions.inOrder() : interventions;
    }

    private Intervention patch(Target target, Recorded source) {
        return sourceDump == null ? Intervention.patch(target, source, 0) : Intervention.patch(target, source);
    }

    /** An option that nothing reads is a slip. */
    private void requireUsed(boolean shortOptions, boolean none) {
        if (none) {
            throw new BadInputException("there is nothing to edit; name it with --zero, --scale, --patch or another of"
                    + " the options, or in a file with --edits");
        }
        if (!shortOptions && (layers != null || heads != null || components != null || positions != null)) {
            throw new BadInputException("--layers, --heads, --components and --positions are for --zero and the like;"
                    + " the interventions of --edits have their own");
        }
        if (coefficient != null && add.isEmpty()) {
            throw new BadInputException("--coefficient is for --add");
        }
        if (seed != null && noise.isEmpty()) {
            throw new BadInputException("--seed is for --noise");
        }
        if ((sourceText != null || sourceDump != null) && patch.isEmpty() && mean.isEmpty() && file == null) {
            throw new BadInputException("--source and --source-dump are for --patch, --mean and --edits");
        }
    }

    private Optional<Recorded> source(Gpt2 engine, PromptOptions prompts, Vocabulary vocabulary) {
        if (sourceText != null && sourceDump != null) {
            throw new BadInputException("values come from --source or from --source-dump, not from both");
        }
        if (sourceDump != null) {
            return Optional.of(Recorded.dump(ModelOptions.path("--source-dump", sourceDump)));
        }
        if (sourceText == null) {
            return Optional.empty();
        }
        Gpt2Config config = engine.config();
        int[] tokens = prompts.encode(new PromptInput.OfText("--source", sourceText), config, vocabulary);
        List<HookPoint> points = new ArrayList<>(HookPoints.plain(config));
        for (String site : patch) {
            target("--patch", site);
            points.addAll(HookPoints.select(config, site));
        }
        return Optional.of(Recorded.of(ActivationCache.of(
                engine,
                Prompts.of(config, List.of(tokens), List.of("--source")),
                new Capture(points, IndexSelection.all()))));
    }

    private static Recorded required(Optional<Recorded> source, String option) {
        return source.orElseThrow(
                () -> new BadInputException(option + " needs values to write: give --source or --source-dump"));
    }

    private void each(
            String option,
            List<String> values,
            List<Intervention> list,
            BiFunction<Target, String, Intervention> make) {
        for (String text : values) {
            int equals = text.indexOf('=');
            if (equals < 0) {
                throw new BadInputException(option + ": '" + text + "' needs a site and, after =, a value");
            }
            list.add(make.apply(target(option, text.substring(0, equals)), text.substring(equals + 1)));
        }
    }

    private Target target(String option, String site) {
        Target target = Target.named(site.strip());
        if (layers != null) {
            if (!target.layers().isAll()) {
                throw new BadInputException(option + ": " + site + " has its layer; leave out --layers");
            }
            target = target.layers(SelectionOptions.indices("--layers", layers));
        }
        if (heads != null) {
            target = target.heads(SelectionOptions.indices("--heads", heads));
        }
        if (components != null) {
            target = target.components(SelectionOptions.indices("--components", components));
        }
        return positions == null ? target : target.positions(SelectionOptions.indices("--positions", positions));
    }

    private static float number(String option, String text) {
        try {
            float value = Float.parseFloat(text);
            if (Float.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // As below.
        }
        throw new BadInputException(option + ": expected a number, found '" + text + "'");
    }

    private static Vector vector(String option, String text) {
        Matcher match = TENSOR_ROW.matcher(text);
        if (!match.matches()) {
            throw new BadInputException(option
                    + ": expected a tensor in a file, such as v.safetensors:name or v.safetensors:name:3, found '"
                    + text + "'");
        }
        long row = match.group(3) == null ? 0 : Long.parseLong(match.group(3));
        return Vector.read(ModelOptions.path(option, match.group(1)), match.group(2), row);
    }
}
