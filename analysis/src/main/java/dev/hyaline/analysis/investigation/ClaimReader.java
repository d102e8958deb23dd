package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.ForcedValue;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the claims of an investigation's file, one after the other. */
final class ClaimReader {
    private static final String DIFFERENT_NAME = "a name unlike those of the other claims";

    /** An effect of nothing that is claimed to be something. */
    static final double SMALLEST = 1e-9;

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

    private final Faults faults;

    /** The shape of the file's model; null where it is not known. */
    private final @Nullable Gpt2Config config;

    private final Replacement replacement;
    private final Candidates of;

    /** Names of the claims that were read. */
    private final Set<String> taken = new HashSet<>();

    /**
     * @param replacement of what is ablated, where a claim does not say it
     * @param of what a circuit is of, where a claim does not say it
     */
    ClaimReader(Faults faults, @Nullable Gpt2Config config, Replacement replacement, Candidates of) {
        this.faults = faults;
        this.config = config;
        this.replacement = replacement;
        this.of = of;
    }

    /** Null after a fault. */
    @Nullable
    Claim read(Json node) {
        String where = node.path();
        FileKeys keys = new FileKeys(node, where, faults);
        int before = faults.count();
        String name = faults.attempt(() -> {
            Json named = keys.require("name", DIFFERENT_NAME);
            if (!taken.add(FileKeys.nonBlank(named))) {
                throw named.expected(DIFFERENT_NAME);
            }
            return named.string();
        });
        MechanismClaim mechanism = keys.optional(
                "mechanism", value -> mechanism(FileKeys.choice(value, List.of(MechanismKind.values())), keys, where));
        boolean hasMechanism = keys.get("mechanism").isPresent();
        // A mechanism without an experiment of its own is said of components that matter.
        Treatment treatment = faults.attempt(() -> hasMechanism
                        && keys.get("do").isEmpty()
                ? new Treatment.AblateComponents(keys.choice("ablation", List.of(Replacement.values()), replacement))
                : treatment(keys.require("do", FileKeys.oneOf("", TREATMENTS)), keys));
        boolean keysAreKnown = treatment != null && (mechanism != null || !hasMechanism);
        List<ClaimComponent> components = faults.attempt(() -> components(keys));
        Expectation expectation =
                faults.attempt(() -> hasMechanism && keys.get("expect").isEmpty()
                        ? new Expectation.Decrease(IMPORTANT)
                        : expectation(keys.require("expect", proposal()), keys.place("expect")));
        boolean primary = keys.flag("primary", true);
        if (keysAreKnown) {
            keys.refuseOthers();
        }
        if (name == null || treatment == null || components == null || expectation == null || faults.count() > before) {
            return null;
        }
        try {
            return new Claim(name, treatment, components, expectation, primary, mechanism);
        } catch (BadInputException e) {
            throw keys.bad(where + ": " + e.getMessage());
        }
    }

    private MechanismClaim mechanism(MechanismKind kind, FileKeys keys, String where) {
        SortedMap<String, List<String>> names = new TreeMap<>();
        for (String key : kind.requiredNames()) {
            names.put(key, names(keys.require(key, "a name that the mechanism " + kind + " needs")));
        }
        for (String key : kind.optionalNames()) {
            names.put(key, keys.optional(key, ClaimReader::names, List.of()));
        }
        SortedMap<String, Double> numbers = new TreeMap<>();
        kind.numbers().forEach((key, number) -> numbers.put(key, keys.optional(key, Json::number, number)));
        List<List<Double>> subspace = kind == MechanismKind.ENCODES
                ? keys.optional("subspace", ClaimReader::directions, List.of())
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
        return items.stream().map(FileKeys::nonBlank).toList();
    }

    private static String proposal() {
        return "what is predicted, with a direction and a number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}";
    }

    private List<ClaimComponent> components(FileKeys keys) {
        Json value = keys.require("components", "a component such as \"1.3\" or \"circuit\", or a list of such");
        List<Json> items = value.isArray() ? value.elements() : List.of(value);
        if (items.isEmpty()) {
            throw value.expected("at least one component", "an empty list");
        }
        List<ClaimComponent> components = new ArrayList<>();
        for (Json item : items) {
            faults.attempt(() -> components.add(component(item, components)));
        }
        return components;
    }

    /** @param before those before it */
    private ClaimComponent component(Json item, List<ClaimComponent> before) {
        String name = item.string();
        ClaimComponent component = FileKeys.checked(item, () -> {
            ClaimComponent parsed = ClaimComponent.parse(name);
            if (config != null) {
                parsed.requireIn(config);
            }
            return parsed;
        });
        if (before.contains(component)) {
            throw item.expected("a component that is not named before");
        }
        return component;
    }

    private Treatment treatment(Json word, FileKeys keys) {
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
                    Treatment.PatchPath path = new Treatment.PatchPath(direction(keys), keys.strings("to"));
                    Gpt2Config shape = config;
                    if (shape != null) {
                        path.to().forEach(receiver -> Receiver.parse(shape, receiver));
                    }
                    return path;
                });
            }
            case "look" ->
                new Treatment.LookAt(
                        keys.text("from", PromptPair.END), FileKeys.nonBlank(keys.require("at", "a role")));
            case "attend" ->
                new Treatment.Attend(
                        keys.text("from", PromptPair.END), FileKeys.nonBlank(keys.require("at", "a role")));
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
            case "mean-active" -> new ForcedValue.ActiveMean(keys.optional("attended", FileKeys::nonBlank));
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

    /** Null after a fault that is noted. */
    private @Nullable Expectation expectation(Json node, String where) {
        if (!node.isObject()) {
            throw node.expected(proposal());
        }
        FileKeys keys = new FileKeys(node, where, faults);
        List<String> found =
                EXPECTATIONS.stream().filter(key -> keys.get(key).isPresent()).toList();
        if (found.size() > 1) {
            throw keys.bad(where + " has " + String.join(" and ", found) + "; a claim predicts one result");
        }
        boolean unitGiven = keys.get("unit").isPresent();
        if (keys.refuseOthers()) {
            return null;
        }
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
}
