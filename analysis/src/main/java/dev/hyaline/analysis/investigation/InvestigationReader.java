package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Receiver;
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
import dev.hyaline.analysis.investigation.Treatment.ForcedValue;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.power.Spending;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.HookPoints;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
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
    private static final String DIFFERENT_NAME = "a name unlike those of the other claims";
    private static final List<String> NAME_ROLES = List.of("IO", "S1");
    /** An effect of nothing that is claimed to be something. */
    private static final double SMALLEST = 1e-9;

    /** What components that have a mechanism cost at least, unless a file says more. */
    private static final EffectAmount IMPORTANT = new EffectAmount(0.1, EffectUnit.GAP);

    private static final List<String> EXPECTATIONS = List.of(
            "decrease",
            "increase",
            "no_effect",
            "faithfulness_at_least",
            "attention_at_least",
            "share_of_path_at_least");
    private static final List<String> TREATMENTS =
            List.of("ablate", "keep-only", "patch", "path", "look", "attend", "force", "steer");

    private static final List<String> FORCES = List.of("mean-active", "donor", "set");
    private static final double MAX_DOSE = 1e6;

    /** More than the whole, for what is left out may have worked against it; less than a share in percent. */
    private static final double MAX_FAITHFULNESS = 2;

    private InvestigationReader() {}

    /** @param config of the model, which must have what the file names; null to take that on trust */
    static Investigation read(Json root, @Nullable Gpt2Config config) {
        FileKeys keys = new FileKeys(root, "");
        Json format = keys.require("format", '"' + Investigation.FORMAT + '"');
        if (!format.string().equals(Investigation.FORMAT)) {
            throw format.expected('"' + Investigation.FORMAT + '"');
        }
        String model = nonBlank(keys.require("model", "the name of a model"));
        long seed = keys.get("seed").map(value -> value.whole(0)).orElse(1L);
        keys.require("behaviour", "an object with a task or a metric");
        Behaviour behaviour =
                keys.section("behaviour", InvestigationReader::behaviour).orElseThrow();
        PromptPlan prompts = keys.section("prompts", section -> prompts(section, behaviour))
                .orElseGet(() -> new PromptPlan(
                        null,
                        null,
                        DEFAULT_PAIRS,
                        DEFAULT_PAIRS,
                        null,
                        PromptPlan.FACTORS,
                        List.of(),
                        reference(behaviour)));
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
        if (sources.size() != 1) {
            throw keys.badAt(
                    "prompts",
                    "the prompts are those of behaviour.task, of the file prompts.pairs or of"
                            + " prompts.corpus; found "
                            + (sources.isEmpty() ? "none of them" : String.join(" and ", sources)));
        }
        CircuitSearch circuit =
                keys.section("circuit", InvestigationReader::circuit).orElse(null);
        Replacement replacement = circuit == null ? Replacement.MEAN_BY_POSITION : circuit.replacement();
        Candidates of = circuit == null ? Candidates.HEADS : circuit.of();
        DictionaryPlan superposition = keys.section("superposition", section -> dictionary(section, config))
                .orElse(null);
        SortedMap<String, AutoencoderPlan> autoencoders =
                keys.get("saes").map(InvestigationReader::autoencoders).orElseGet(TreeMap::new);
        List<Claim> claims = new ArrayList<>();
        Json list = keys.require("claims", "a list of at least one claim");
        for (Json claim : list.elements()) {
            Claim read = claim(claim, claims, replacement, of, config);
            for (LatentComponent latent : read.latents()) {
                if (!autoencoders.containsKey(latent.autoencoder())) {
                    Json named = claim.require("components");
                    throw new BadInputException(named.where() + ": " + named.path() + ": " + latent
                            + " is of no autoencoder that saes names; there are "
                            + (autoencoders.isEmpty() ? "none" : String.join(", ", autoencoders.keySet())));
                }
            }
            claims.add(read);
        }
        if (claims.isEmpty()) {
            throw list.expected("a list of at least one claim", "an empty list");
        }
        List<String> specific = keys.get("specific_against")
                .map(InvestigationReader::otherTasks)
                .orElse(List.of());
        List<AlternativeKind> alternatives = keys.get("alternatives")
                .filter(value -> !(value.isString() && value.string().equals(ALL)))
                .map(InvestigationReader::alternatives)
                .orElseGet(() -> Stream.of(AlternativeKind.values())
                        .filter(kind -> kind != AlternativeKind.GENERIC_DAMAGE || !specific.isEmpty())
                        .toList());
        EffectAmount smallest = keys.section("smallest_effect", InvestigationReader::smallestEffect)
                .orElse(Investigation.SMALLEST_EFFECT);
        TestDesign design =
                keys.section("design", InvestigationReader::design).orElseGet(() -> new TestDesign(DEFAULT_ALPHA));
        CheckPlan checks = new CheckPlan(isAsked("sanity", keys), isAsked("robustness", keys));
        String title = keys.text(
                "title",
                (behaviour.tasks().isEmpty() ? prompts.source() : StudyPlan.taskName(behaviour.tasks())) + " in "
                        + model);
        keys.requireNoMore();
        if (circuit == null && claims.stream().anyMatch(Claim::isOfCircuit)) {
            circuit = new CircuitSearch(of, replacement, DEFAULT_TAU);
        }
        try {
            return new Investigation(
                    title,
                    model,
                    seed,
                    behaviour,
                    prompts,
                    circuit,
                    superposition,
                    autoencoders,
                    smallest,
                    claims,
                    alternatives,
                    specific,
                    design,
                    checks);
        } catch (BadInputException e) {
            throw keys.bad(String.valueOf(e.getMessage()));
        }
    }

    private static List<AlternativeKind> alternatives(Json value) {
        if (!value.isArray()) {
            throw value.expected("\"" + ALL + "\" or a list of alternatives");
        }
        return value.elements().stream()
                .map(name -> FileKeys.choice(name, List.of(AlternativeKind.values())))
                .distinct()
                .toList();
    }

    private static List<String> otherTasks(Json value) {
        return value.elements().stream()
                .map(name -> FileKeys.choice(name, StudyPlan.taskNames()))
                .distinct()
                .toList();
    }

    private static Behaviour behaviour(FileKeys keys) {
        List<Task> tasks = keys.get("task")
                .map(value -> StudyPlan.tasks(value.string())
                        .orElseThrow(() -> value.expected(FileKeys.oneOf(value.string(), StudyPlan.taskNames()))))
                .orElse(List.of());
        String at = keys.text("at", PromptPair.END);
        List<Metric> metrics = Metric.all(at);
        String metric = keys.get("metric")
                .map(value -> metrics.stream()
                        .filter(known -> known.name().equals(value.string())
                                || known.quantity().replace(' ', '-').equals(value.string()))
                        .findFirst()
                        .orElseThrow(() -> value.expected(FileKeys.oneOf(
                                value.string(),
                                metrics.stream().map(Metric::name).toList()))))
                .orElse(metrics.getFirst())
                .name();
        double[] present = keys.section("present_if", section -> new double[] {
                    section.number("mean_at_least", -1e9, 1e9, 0), section.number("accuracy_at_least", 0, 1, 0.5)
                })
                .orElse(new double[] {0, 0.5});
        return new Behaviour(tasks, metric, at, present[0], present[1]);
    }

    private static ReferencePrompts reference(Behaviour behaviour) {
        return behaviour.tasks().contains(Task.IOI_ABBA) || behaviour.tasks().contains(Task.IOI_BABA)
                ? ReferencePrompts.ABC
                : ReferencePrompts.CORRUPTED;
    }

    private static PromptPlan prompts(FileKeys keys, Behaviour behaviour) {
        String file = keys.get("pairs").map(InvestigationReader::nonBlank).orElse(null);
        CorpusPrompts corpus = keys.section(
                        "corpus",
                        section -> new CorpusPrompts(
                                nonBlank(section.require("dump", "the folder of a dumped corpus")),
                                section.integer("length", 1, MAX_LENGTH, DEFAULT_LENGTH)))
                .orElse(null);
        int[] draw = keys.section("draw", section -> new int[] {
                    section.integer("discovery", 2, MAX_PAIRS, DEFAULT_PAIRS),
                    section.integer("held_out", 2, MAX_PAIRS, DEFAULT_PAIRS)
                })
                .orElse(new int[] {DEFAULT_PAIRS, DEFAULT_PAIRS});
        String units = keys.get("units").map(InvestigationReader::nonBlank).orElse(null);
        List<String> strata = keys.get("strata")
                .map(value -> value.elements().stream()
                        .map(factor -> FileKeys.choice(factor, PromptPlan.FACTORS))
                        .distinct()
                        .toList())
                .orElse(PromptPlan.FACTORS);
        List<String> splitBy =
                keys.get("split_by").map(value -> splitBy(value, behaviour)).orElse(List.of());
        ReferencePrompts otherwise = reference(behaviour);
        ReferencePrompts reference = keys.choice("reference", List.of(ReferencePrompts.values()), otherwise);
        if (reference == ReferencePrompts.ABC && otherwise != ReferencePrompts.ABC) {
            throw keys.badAt(
                    "reference",
                    keys.place("reference") + ": abc is for the tasks ioi, ioi-abba and ioi-baba;"
                            + " others have clean and corrupted");
        }
        return new PromptPlan(file, corpus, draw[0], draw[1], units, strata, splitBy, reference);
    }

    private static List<String> splitBy(Json value, Behaviour behaviour) {
        if (!value.isString()) {
            return value.elements().stream().map(InvestigationReader::nonBlank).toList();
        }
        if (value.string().equals(NAMES)
                && behaviour.tasks().stream().anyMatch(task -> task.toString().startsWith("ioi"))) {
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
                FileKeys.between(value, SMALLEST, 1e9),
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

    private static CircuitSearch circuit(FileKeys keys) {
        keys.choice("discover", List.of("iterative-ablation"), "iterative-ablation");
        return new CircuitSearch(
                keys.choice("of", List.of(Candidates.values()), Candidates.HEADS),
                keys.choice("ablation", List.of(Replacement.values()), Replacement.MEAN_BY_POSITION),
                keys.number("tau", 1e-6, 1, DEFAULT_TAU));
    }

    private static DictionaryPlan dictionary(FileKeys keys, @Nullable Gpt2Config config) {
        Json name = keys.require("site", "a hook point such as \"blocks.2.hook_resid_post\"");
        HookPoint site = keys.checked("site", () -> HookPoints.point(name.string()));
        if (site.site().isMap() || site.site().shape().byHead()) {
            throw name.expected("a hook point with one row a token");
        }
        if (config != null) {
            FileKeys.checked(name, () -> {
                new ClaimComponent.SiteComponent(site).requireIn(config);
                return site;
            });
        }
        return new DictionaryPlan(
                site,
                keys.integer("features", 0, MAX_FEATURES, 0),
                keys.integer("latents", 1, MAX_FEATURES, DEFAULT_LATENTS),
                keys.integer("steps", 1, MAX_STEPS, DEFAULT_STEPS));
    }

    private static SortedMap<String, AutoencoderPlan> autoencoders(Json node) {
        SortedMap<String, AutoencoderPlan> autoencoders = new TreeMap<>();
        node.forEachField((name, value) -> {
            FileKeys.checked(value, () -> new LatentComponent(name, 0));
            if (value.isString()) {
                autoencoders.put(name, new AutoencoderPlan(nonBlank(value), null));
                return;
            }
            FileKeys keys = new FileKeys(value, value.path());
            String file = nonBlank(keys.require("file", "a file or folder of an autoencoder"));
            HookPoint site = keys.get("site")
                    .map(point -> FileKeys.checked(point, () -> HookPoints.point(point.string())))
                    .orElse(null);
            keys.requireNoMore();
            autoencoders.put(name, new AutoencoderPlan(file, site));
        });
        return autoencoders;
    }

    /** @param before the claims before it */
    private static Claim claim(
            Json node, List<Claim> before, Replacement replacement, Candidates of, @Nullable Gpt2Config config) {
        String where = "claims[" + before.size() + "]";
        FileKeys keys = new FileKeys(node, where);
        Json named = keys.require("name", DIFFERENT_NAME);
        String name = nonBlank(named);
        if (before.stream().anyMatch(claim -> claim.name().equals(name))) {
            throw named.expected(DIFFERENT_NAME);
        }
        MechanismClaim mechanism = keys.get("mechanism")
                .map(value -> mechanism(FileKeys.choice(value, List.of(MechanismKind.values())), keys, where))
                .orElse(null);
        // A mechanism without an experiment of its own is said of components that matter.
        Treatment treatment = mechanism != null && keys.get("do").isEmpty()
                ? new Treatment.AblateComponents(keys.choice("ablation", List.of(Replacement.values()), replacement))
                : treatment(keys.require("do", FileKeys.oneOf("", TREATMENTS)), keys, replacement, of, config);
        List<ClaimComponent> components = components(keys, config);
        Expectation expectation = mechanism != null && keys.get("expect").isEmpty()
                ? new Expectation.Decrease(IMPORTANT)
                : expectation(keys.require("expect", proposal()), keys.place("expect"));
        boolean primary = keys.flag("primary", true);
        keys.requireNoMore();
        try {
            return new Claim(name, treatment, components, expectation, primary, mechanism);
        } catch (BadInputException e) {
            throw keys.bad(where + ": " + e.getMessage());
        }
    }

    private static MechanismClaim mechanism(MechanismKind kind, FileKeys keys, String where) {
        SortedMap<String, List<String>> names = new TreeMap<>();
        for (String key : kind.requiredNames()) {
            names.put(key, names(keys.require(key, "a name that the mechanism " + kind + " needs")));
        }
        for (String key : kind.optionalNames()) {
            names.put(key, keys.get(key).map(InvestigationReader::names).orElse(List.of()));
        }
        SortedMap<String, Double> numbers = new TreeMap<>();
        kind.numbers()
                .forEach((key, number) ->
                        numbers.put(key, keys.get(key).map(Json::number).orElse(number)));
        List<List<Double>> subspace = kind == MechanismKind.ENCODES
                ? keys.get("subspace").map(InvestigationReader::directions).orElse(List.of())
                : List.of();
        MechanismClaim mechanism;
        try {
            mechanism = new MechanismClaim(kind, keys.text("from", PromptPair.END), names, numbers, subspace);
        } catch (BadInputException e) {
            throw keys.bad(where + ": " + e.getMessage());
        }
        if (!subspace.isEmpty()) {
            keys.checked("subspace", mechanism::span);
        }
        return mechanism;
    }

    /** One direction, or a list of them. */
    private static List<List<Double>> directions(Json value) {
        List<Json> items = value.elements();
        if (items.isEmpty()) {
            throw value.expected("a direction of numbers, or a list of directions", "an empty list");
        }
        List<Json> each = items.getFirst().isArray() ? items : List.of(value);
        return each.stream()
                .map(direction ->
                        direction.elements().stream().map(Json::number).toList())
                .toList();
    }

    private static List<String> names(Json value) {
        List<Json> items = value.isArray() ? value.elements() : List.of(value);
        return items.stream().map(InvestigationReader::nonBlank).toList();
    }

    private static String proposal() {
        return "what is predicted, with a direction and a number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}";
    }

    private static List<ClaimComponent> components(FileKeys keys, @Nullable Gpt2Config config) {
        Json value = keys.require("components", "a component such as \"1.3\" or \"circuit\", or a list of such");
        List<Json> items = value.isArray() ? value.elements() : List.of(value);
        if (items.isEmpty()) {
            throw value.expected("at least one component", "an empty list");
        }
        List<ClaimComponent> components = new ArrayList<>();
        for (Json item : items) {
            String name = item.string();
            ClaimComponent component = FileKeys.checked(item, () -> ClaimComponent.parse(name));
            if (config != null) {
                FileKeys.checked(item, () -> {
                    component.requireIn(config);
                    return component;
                });
            }
            if (components.contains(component)) {
                throw item.expected("a component that is not named before");
            }
            components.add(component);
        }
        return components;
    }

    private static Treatment treatment(
            Json word, FileKeys keys, Replacement replacement, Candidates of, @Nullable Gpt2Config config) {
        if (word.isArray() || word.isObject()) {
            InterventionNodes.requireInline(word);
            return keys.checked("do", () -> new Treatment.Intervene(InterventionNodes.read(word), into(keys)));
        }
        return switch (word.string()) {
            case "ablate" ->
                new Treatment.AblateComponents(keys.choice("ablation", List.of(Replacement.values()), replacement));
            case "keep-only" ->
                new Treatment.KeepOnly(
                        keys.choice("ablation", List.of(Replacement.values()), replacement),
                        keys.choice("of", List.of(Candidates.values()), of));
            case "patch" -> new Treatment.PatchComponents(direction(keys));
            case "path" -> {
                keys.require("to", "a list of receivers such as \"a2.h2<q>\" or \"logits\"");
                yield keys.checked("to", () -> {
                    Treatment.PatchPath path = new Treatment.PatchPath(direction(keys), keys.strings("to", List.of()));
                    if (config != null) {
                        path.to().forEach(receiver -> Receiver.parse(config, receiver));
                    }
                    return path;
                });
            }
            case "look" ->
                new Treatment.LookAt(keys.text("from", PromptPair.END), nonBlank(keys.require("at", "a role")));
            case "attend" ->
                new Treatment.Attend(keys.text("from", PromptPair.END), nonBlank(keys.require("at", "a role")));
            case "force" -> force(keys, forced(keys));
            case "steer" -> force(keys, new ForcedValue.MeansDifference(keys.number("alpha", -MAX_DOSE, MAX_DOSE, 1)));
            default -> throw word.expected(FileKeys.oneOf(word.string(), TREATMENTS));
        };
    }

    private static Treatment.ForceTo force(FileKeys keys, ForcedValue value) {
        return new Treatment.ForceTo(
                value, into(keys), keys.text("at", PromptPair.END), keys.flag("everywhere", false));
    }

    private static ForcedValue forced(FileKeys keys) {
        Json word = keys.require("force", FileKeys.oneOf("", FORCES));
        return switch (word.string()) {
            case "mean-active" ->
                new ForcedValue.ActiveMean(
                        keys.get("attended").map(InvestigationReader::nonBlank).orElse(null));
            case "donor" -> new ForcedValue.OtherRun();
            case "set" -> {
                Json value = keys.require("value", "a number, or a list of as many as the component has values");
                yield keys.checked(
                        "value",
                        () -> new ForcedValue.GivenValues((value.isArray() ? value.elements() : List.of(value))
                                .stream().map(Json::number).toList()));
            }
            default -> throw word.expected(FileKeys.oneOf(word.string(), FORCES));
        };
    }

    private static Side into(FileKeys keys) {
        return keys.choice("into", List.of("clean", "corrupted"), "clean").equals("clean")
                ? Side.CLEAN
                : Side.CORRUPTED;
    }

    private static PatchingDirection direction(FileKeys keys) {
        return keys.choice("direction", List.of(PatchingDirection.values()), PatchingDirection.NOISING);
    }

    private static Expectation expectation(Json node, String where) {
        if (!node.isObject()) {
            throw node.expected(proposal());
        }
        FileKeys keys = new FileKeys(node, where);
        List<String> found =
                EXPECTATIONS.stream().filter(key -> keys.get(key).isPresent()).toList();
        if (found.size() > 1) {
            throw keys.bad(where + " has " + String.join(" and ", found) + "; a claim predicts one result");
        }
        boolean unitGiven = keys.get("unit").isPresent();
        keys.requireNoMore();
        if (found.isEmpty()) {
            throw keys.bad(where + " predicts nothing; it is " + proposal());
        }
        String key = found.getFirst();
        Json value = keys.get(key).orElseThrow();
        if (!value.isNumber()) {
            throw value.expected("a number, such as 0.1 with the unit gap");
        }
        boolean share = key.endsWith("_at_least");
        if (share && unitGiven) {
            throw keys.bad(where + ": " + key + " is a share and has no unit");
        }
        EffectUnit unit =
                share ? EffectUnit.METRIC : keys.choice("unit", List.of(EffectUnit.values()), EffectUnit.METRIC);
        // A number below 0 is a claim in the other direction.
        if (value.number() < SMALLEST) {
            throw value.expected("a number above 0, for the direction is in the key");
        }
        double number = FileKeys.between(value, SMALLEST, share ? key.startsWith("faith") ? MAX_FAITHFULNESS : 1 : 1e9);
        EffectAmount amount = new EffectAmount(number, unit);
        return switch (key) {
            case "decrease" -> new Expectation.Decrease(amount);
            case "increase" -> new Expectation.Increase(amount);
            case "no_effect" -> new Expectation.NoEffect(amount);
            case "faithfulness_at_least" -> new Expectation.FaithfulnessAtLeast(number);
            case "attention_at_least" -> new Expectation.AttentionAtLeast(number);
            default -> new Expectation.ShareOfPathAtLeast(number);
        };
    }

    private static String nonBlank(Json value) {
        String text = value.string();
        if (text.isBlank()) {
            throw value.expected("a text that is not blank");
        }
        return text;
    }
}
