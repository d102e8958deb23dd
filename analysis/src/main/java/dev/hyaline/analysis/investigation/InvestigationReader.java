package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.StudyPlan.AutoencoderPlan;
import dev.hyaline.analysis.investigation.StudyPlan.Behaviour;
import dev.hyaline.analysis.investigation.StudyPlan.CheckPlan;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.StudyPlan.CorpusPrompts;
import dev.hyaline.analysis.investigation.StudyPlan.DictionaryPlan;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.investigation.StudyPlan.ReferencePrompts;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.power.Spending;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.HookPoints;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads an investigation's file and fills in what it leaves out. */
final class InvestigationReader {
    private static final int MAX_PAIRS = 10_000;
    private static final int DEFAULT_PAIRS = 48;
    private static final int DEFAULT_LENGTH = 16;
    private static final int MAX_LENGTH = 1 << 20;
    private static final int MAX_FEATURES = 1 << 17;
    private static final int DEFAULT_LATENTS = 16;
    private static final int MAX_STEPS = 1_000_000;
    private static final int DEFAULT_STEPS = 300;
    private static final double DEFAULT_TAU = 0.1;
    private static final double DEFAULT_ALPHA = 0.05;
    private static final String ALL = "all";
    private static final String NONE = "none";
    private static final String NAMES = "names";
    private static final List<String> NAME_ROLES = List.of("IO", "S1");

    private static final Behaviour NO_BEHAVIOUR =
            new Behaviour(List.of(), Metric.all(PromptPair.END).getFirst().name(), PromptPair.END, 0, 0.5);

    private final Faults faults;

    /** The shapes of models by their names; null to take on trust what a file says of its model. */
    private final @Nullable Function<String, Gpt2Config> models;

    /** The shape of the file's model; null where it is not known. */
    private @Nullable Gpt2Config config;

    /** False after a fault in the behaviour: what depends on its task is not told. */
    private boolean behaviourIsKnown;

    private InvestigationReader(Faults faults, @Nullable Function<String, Gpt2Config> models) {
        this.faults = faults;
        this.models = models;
    }

    /** @param models the shapes of models, which must have what the file names; null to take that on trust */
    static Investigation read(Json root, @Nullable Function<String, Gpt2Config> models) {
        Faults faults = new Faults(root.file());
        Investigation read = faults.attempt(() -> new InvestigationReader(faults, models).whole(root));
        faults.requireNone();
        return Objects.requireNonNull(read);
    }

    /** Null after a fault. */
    private @Nullable Investigation whole(Json root) {
        FileKeys keys = new FileKeys(root, "", faults);
        Json format = keys.require("format", '"' + Investigation.FORMAT + '"');
        if (!format.isString() || !format.string().equals(Investigation.FORMAT)) {
            throw format.expected('"' + Investigation.FORMAT + '"');
        }
        String model = faults.attempt(() -> FileKeys.nonBlank(keys.require("model", "the name of a model")));
        if (model != null && models != null) {
            Json named = root.require("model");
            config = faults.attempt(() -> FileKeys.checked(named, () -> models.apply(model)));
        }
        long seed = keys.optional("seed", value -> value.whole(0), 1L);
        int before = faults.count();
        Behaviour behaviour = faults.attempt(() -> {
            keys.require("behaviour", "an object with a task or a metric");
            return keys.section("behaviour", this::behaviour);
        });
        behaviourIsKnown = faults.count() == before;
        PromptPlan prompts = prompts(keys, behaviour == null ? NO_BEHAVIOUR : behaviour);
        CircuitSearch circuit = keys.section("circuit", this::circuit);
        Replacement replacement = circuit == null ? Replacement.MEAN_BY_POSITION : circuit.replacement();
        Candidates of = circuit == null ? Candidates.HEADS : circuit.of();
        DictionaryPlan superposition = keys.section("superposition", this::dictionary);
        SortedMap<String, AutoencoderPlan> autoencoders = new TreeMap<>();
        Set<String> saes = new TreeSet<>(keys.get("saes").map(Json::names).orElse(List.of()));
        keys.optional("saes", value -> {
            autoencoders(value, autoencoders);
            return autoencoders;
        });
        List<Claim> claims = claims(keys, replacement, of, saes);
        List<String> specific = keys.optional("specific_against", this::otherTasks, List.of());
        List<AlternativeKind> others = keys.optional("alternatives", this::alternatives);
        List<AlternativeKind> alternatives = others != null
                ? others
                : Stream.of(AlternativeKind.values())
                        .filter(kind -> kind != AlternativeKind.GENERIC_DAMAGE || !specific.isEmpty())
                        .toList();
        EffectAmount smallest = keys.section("smallest_effect", InvestigationReader::smallestEffect);
        TestDesign design = keys.section("design", InvestigationReader::design);
        CheckPlan checks = new CheckPlan(isAsked("sanity", keys), isAsked("robustness", keys));
        String title = keys.optional("title", Json::string);
        keys.refuseOthers();
        if (behaviour == null || model == null || faults.count() > 0) {
            return null;
        }
        try {
            return new Investigation(
                    title == null
                            ? (behaviour.tasks().isEmpty() ? prompts.source() : StudyPlan.taskName(behaviour.tasks()))
                                    + " in " + model
                            : title,
                    model,
                    seed,
                    behaviour,
                    prompts,
                    circuit == null && claims.stream().anyMatch(Claim::isOfCircuit)
                            ? new CircuitSearch(of, replacement, DEFAULT_TAU)
                            : circuit,
                    superposition,
                    autoencoders,
                    smallest == null ? Investigation.SMALLEST_EFFECT : smallest,
                    claims,
                    alternatives,
                    specific,
                    design == null ? new TestDesign(DEFAULT_ALPHA) : design,
                    checks);
        } catch (BadInputException e) {
            throw keys.bad(String.valueOf(e.getMessage()));
        }
    }

    /** The prompts, of one source. */
    private PromptPlan prompts(FileKeys keys, Behaviour behaviour) {
        int before = faults.count();
        PromptPlan prompts = keys.section("prompts", section -> drawn(section, behaviour));
        if (prompts == null) {
            prompts = new PromptPlan(
                    null,
                    null,
                    DEFAULT_PAIRS,
                    DEFAULT_PAIRS,
                    null,
                    PromptPlan.FACTORS,
                    List.of(),
                    reference(behaviour));
        }
        List<String> sources = new ArrayList<>();
        if (!behaviour.tasks().isEmpty()) {
            sources.add("behaviour.task");
        }
        if (prompts.file() != null) {
            sources.add("prompts.pairs");
        }
        if (prompts.corpus() != null) {
            sources.add("prompts.corpus");
        }
        if (sources.size() != 1 && behaviourIsKnown && faults.count() == before) {
            faults.add(keys.badAt(
                    "prompts",
                    "the prompts are those of behaviour.task, of the file prompts.pairs or of"
                            + " prompts.corpus; found "
                            + (sources.isEmpty() ? "none of them" : String.join(" and ", sources))));
        }
        return prompts;
    }

    /** The claims that have no fault. */
    private List<Claim> claims(FileKeys keys, Replacement replacement, Candidates of, Set<String> saes) {
        List<Claim> claims = new ArrayList<>();
        faults.attempt(() -> {
            Json list = keys.require("claims", "a list of at least one claim");
            ClaimReader reader = new ClaimReader(faults, config, replacement, of);
            for (Json node : list.elements()) {
                Claim claim = faults.attempt(() -> reader.read(node));
                if (claim != null) {
                    requireAutoencoders(node, claim, saes);
                    claims.add(claim);
                }
            }
            if (list.elements().isEmpty()) {
                throw list.expected("a list of at least one claim", "an empty list");
            }
            return claims;
        });
        return claims;
    }

    private void requireAutoencoders(Json node, Claim claim, Set<String> saes) {
        for (LatentComponent latent : claim.latents()) {
            if (!saes.contains(latent.autoencoder())) {
                Json named = node.require("components");
                faults.add(new BadInputException(named.where() + ": " + named.path() + ": " + latent
                        + " is of no autoencoder that saes names; there are "
                        + (saes.isEmpty() ? "none" : Printable.listed(saes))));
            }
        }
    }

    /** Null for all of them. */
    private @Nullable List<AlternativeKind> alternatives(Json value) {
        if (value.isString() && value.string().equals(ALL)) {
            return null;
        }
        if (!value.isArray()) {
            throw value.expected("\"" + ALL + "\" or a list of alternatives");
        }
        return choices(value, List.of(AlternativeKind.values()), "an alternative");
    }

    private List<String> otherTasks(Json value) {
        return choices(value, StudyPlan.taskNames(), "a task");
    }

    /** A list of some of the values, each at most once. */
    private <T> List<T> choices(Json list, List<T> values, String what) {
        List<T> chosen = new ArrayList<>();
        for (Json item : list.elements()) {
            T choice = faults.attempt(() -> FileKeys.choice(item, values));
            if (choice != null && chosen.contains(choice)) {
                faults.add(item.expected(what + " that is not named before"));
            } else if (choice != null) {
                chosen.add(choice);
            }
        }
        return chosen;
    }

    private Behaviour behaviour(FileKeys keys) {
        List<Task> tasks = keys.optional(
                "task",
                value -> StudyPlan.tasks(value.string())
                        .orElseThrow(() -> value.expected(FileKeys.oneOf(value.string(), StudyPlan.taskNames()))),
                List.of());
        String at = keys.text("at", PromptPair.END);
        List<Metric> metrics = Metric.all(at);
        Metric metric = keys.optional(
                "metric",
                value -> metrics.stream()
                        .filter(known -> known.name().equals(value.string())
                                || known.quantity().replace(' ', '-').equals(value.string()))
                        .findFirst()
                        .orElseThrow(() -> value.expected(FileKeys.oneOf(
                                value.string(),
                                metrics.stream().map(Metric::name).toList()))),
                metrics.getFirst());
        double[] present = keys.section("present_if", section -> new double[] {
            section.number("mean_at_least", -1e9, 1e9, 0), section.number("accuracy_at_least", 0, 1, 0.5)
        });
        return new Behaviour(
                tasks, metric.name(), at, present == null ? 0 : present[0], present == null ? 0.5 : present[1]);
    }

    private static ReferencePrompts reference(Behaviour behaviour) {
        return behaviour.tasks().contains(Task.IOI_ABBA) || behaviour.tasks().contains(Task.IOI_BABA)
                ? ReferencePrompts.ABC
                : ReferencePrompts.CORRUPTED;
    }

    private PromptPlan drawn(FileKeys keys, Behaviour behaviour) {
        String file = keys.optional("pairs", FileKeys::nonBlank);
        CorpusPrompts corpus = keys.section(
                "corpus",
                section -> new CorpusPrompts(
                        FileKeys.nonBlank(section.require("dump", "the folder of a dumped corpus")),
                        section.integer("length", 1, MAX_LENGTH, DEFAULT_LENGTH)));
        int[] draw = keys.section("draw", section -> new int[] {
            section.integer("discovery", 2, MAX_PAIRS, DEFAULT_PAIRS),
            section.integer("held_out", 2, MAX_PAIRS, DEFAULT_PAIRS)
        });
        String units = keys.optional("units", FileKeys::nonBlank);
        List<String> strata =
                keys.optional("strata", value -> choices(value, PromptPlan.FACTORS, "a factor"), PromptPlan.FACTORS);
        List<String> splitBy = keys.optional("split_by", value -> splitBy(value, behaviour), List.of());
        ReferencePrompts otherwise = reference(behaviour);
        ReferencePrompts reference = keys.choice("reference", List.of(ReferencePrompts.values()), otherwise);
        if (reference == ReferencePrompts.ABC && otherwise != ReferencePrompts.ABC && behaviourIsKnown) {
            faults.add(keys.badAt(
                    "reference",
                    keys.place("reference") + ": abc is for the tasks ioi, ioi-abba and ioi-baba;"
                            + " others have clean and corrupted"));
        }
        return new PromptPlan(
                file,
                corpus,
                draw == null ? DEFAULT_PAIRS : draw[0],
                draw == null ? DEFAULT_PAIRS : draw[1],
                units,
                strata,
                splitBy,
                reference);
    }

    private List<String> splitBy(Json value, Behaviour behaviour) {
        if (!value.isString()) {
            return value.elements().stream().map(FileKeys::nonBlank).toList();
        }
        if (value.string().equals(NAMES)
                && (!behaviourIsKnown
                        || behaviour.tasks().stream()
                                .anyMatch(task -> task.toString().startsWith("ioi")))) {
            return NAME_ROLES;
        }
        throw value.expected(
                "a list of roles such as [\"IO\", \"S1\"], or of the tasks of indirect objects \"" + NAMES + "\"");
    }

    /** Returns whether checks are run: all or none. */
    private static boolean isAsked(String key, FileKeys keys) {
        return keys.choice(key, List.of(ALL, NONE), ALL).equals(ALL);
    }

    private static EffectAmount smallestEffect(FileKeys keys) {
        Json value = keys.require("value", "a number");
        return new EffectAmount(
                FileKeys.between(value, ClaimReader.SMALLEST, 1e9),
                keys.choice("unit", List.of(EffectUnit.values()), EffectUnit.METRIC));
    }

    private static TestDesign design(FileKeys keys) {
        return new TestDesign(
                keys.number("alpha", 1e-6, 0.5, DEFAULT_ALPHA),
                keys.number("power", 0.5, 0.999, TestDesign.POWER),
                keys.integer("pilot", 2, MAX_PAIRS, TestDesign.PILOT),
                keys.integer("looks", 1, Spending.MAX_LOOKS, 1),
                keys.choice("spending", List.of(Spending.values()), Spending.OBRIEN_FLEMING));
    }

    private CircuitSearch circuit(FileKeys keys) {
        keys.choice("discover", List.of("iterative-ablation"), "iterative-ablation");
        return new CircuitSearch(
                keys.choice("of", List.of(Candidates.values()), Candidates.HEADS),
                keys.choice("ablation", List.of(Replacement.values()), Replacement.MEAN_BY_POSITION),
                keys.number("tau", 1e-6, 1, DEFAULT_TAU));
    }

    private DictionaryPlan dictionary(FileKeys keys) {
        Json name = keys.require("site", "a hook point such as \"blocks.2.hook_resid_post\"");
        HookPoint site = keys.checked("site", () -> HookPoints.point(name.string()));
        if (site.site().isMap() || site.site().shape().byHead()) {
            throw name.expected("a hook point with one row a token");
        }
        Gpt2Config shape = config;
        if (shape != null) {
            FileKeys.checked(name, () -> {
                new ClaimComponent.SiteComponent(site).requireIn(shape);
                return site;
            });
        }
        return new DictionaryPlan(
                site,
                keys.integer("features", 0, MAX_FEATURES, 0),
                keys.integer("latents", 1, MAX_FEATURES, DEFAULT_LATENTS),
                keys.integer("steps", 1, MAX_STEPS, DEFAULT_STEPS));
    }

    private void autoencoders(Json node, SortedMap<String, AutoencoderPlan> autoencoders) {
        node.forEachField((name, value) -> {
            AutoencoderPlan plan = faults.attempt(() -> autoencoder(name, value));
            if (plan != null) {
                autoencoders.put(name, plan);
            }
        });
    }

    private AutoencoderPlan autoencoder(String name, Json value) {
        FileKeys.checked(value, () -> new LatentComponent(name, 0));
        if (value.isString()) {
            return new AutoencoderPlan(FileKeys.nonBlank(value), null);
        }
        FileKeys keys = new FileKeys(value, value.path(), faults);
        String file = FileKeys.nonBlank(keys.require("file", "a file or folder of an autoencoder"));
        HookPoint site =
                keys.optional("site", point -> FileKeys.checked(point, () -> HookPoints.point(point.string())));
        keys.refuseOthers();
        return new AutoencoderPlan(file, site);
    }
}
