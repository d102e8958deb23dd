package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.CircuitMembers;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.alternative.Alternative;
import dev.hyaline.analysis.investigation.alternative.BuiltInAlternatives;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Experiments by hypotheses: what each rival says of each claim's experiment, which rivals the design cannot tell from
 * what is claimed, and which intervention would.
 *
 * @param experiments the claims, by name
 * @param hypotheses what is claimed, then its rivals
 */
record DesignMatrix(List<String> experiments, List<Hypothesis> hypotheses) {
    /** A rival would see the same result as what is claimed. */
    private static final String SAME = "as claimed";

    private static final String OWN_TEST = "told apart by its own test";
    private static final String OTHER = "another result";
    private static final String NOTHING = "no prediction";

    /**
     * A hypothesis, and what it says of each experiment.
     *
     * @param wouldTell the intervention or the prompts that would tell it from what is claimed; empty where some
     *     experiment does
     */
    record Hypothesis(String name, List<String> predictions, String wouldTell) {
        Hypothesis {
            predictions = List.copyOf(predictions);
        }
    }

    DesignMatrix {
        experiments = List.copyOf(experiments);
        hypotheses = List.copyOf(hypotheses);
    }

    /** @param orders number of orders in which the roles of the prompts stand */
    static DesignMatrix of(Investigation investigation, int orders) {
        List<Claim> claims = investigation.claims();
        List<Hypothesis> all = new ArrayList<>();
        all.add(new Hypothesis(
                "claimed",
                claims.stream().map(claim -> claim.expectation().words()).toList(),
                ""));
        for (AlternativeKind kind : investigation.alternatives()) {
            all.add(rival(kind, claims, orders));
        }
        Hypothesis other = otherMechanism(claims);
        if (other != null) {
            all.add(other);
        }
        return new DesignMatrix(claims.stream().map(Claim::name).toList(), all);
    }

    private static Hypothesis rival(AlternativeKind kind, List<Claim> claims, int orders) {
        Predicate<Claim> concerns = concerns(kind);
        boolean ordered = kind == AlternativeKind.POSITION_ONLY || kind == AlternativeKind.RECENCY;
        boolean testable = !ordered || orders > 1;
        List<String> predictions = claims.stream()
                .map(claim -> !concerns.test(claim) ? NOTHING : testable ? OWN_TEST : SAME)
                .toList();
        boolean told = predictions.contains(OWN_TEST);
        return new Hypothesis(kind.toString(), predictions, told ? "" : wouldTell(kind, testable));
    }

    private static Predicate<Claim> concerns(AlternativeKind kind) {
        try {
            Alternative alternative = BuiltInAlternatives.of(kind);
            return alternative::concerns;
        } catch (BadInputException e) {
            // Generic damage is tested on other behaviours.
            return claim -> claim.treatment() instanceof Treatment.AblateComponents;
        }
    }

    private static String wouldTell(AlternativeKind kind, boolean testable) {
        if (!testable) {
            return "prompts whose roles stand in more than one order";
        }
        return switch (kind) {
            case SELF_REPAIR -> "a claim of no effect of an ablation; without one it is no rival";
            case RANDOM_COMPONENTS, SHUFFLED_LABELS, POSITION_ONLY -> "a claim of an effect with a direction";
            default -> "a claim of what ablating heads or MLPs costs";
        };
    }

    /**
     * That heads are of another kind: whether they copy, suppress, or only matter, all that replaces or keeps them has
     * the same sign. Null where no claim is about heads.
     */
    private static @Nullable Hypothesis otherMechanism(List<Claim> claims) {
        List<String> predictions = claims.stream()
                .map(claim -> {
                    if (claim.components().stream().noneMatch(DesignMatrix::isHead)) {
                        return NOTHING;
                    }
                    return claim.mechanism() != null || looksSomewhere(claim.treatment()) ? OTHER : SAME;
                })
                .toList();
        if (predictions.stream().allMatch(NOTHING::equals)) {
            return null;
        }
        return new Hypothesis(
                "other-mechanism",
                predictions,
                predictions.contains(OTHER)
                        ? ""
                        : "an experiment that makes the heads look at another role (\"do\": \"look\"), of which copying"
                                + " and suppressing heads have effects of opposite signs, or the mechanism of a claim");
    }

    private static boolean isHead(ClaimComponent component) {
        return component instanceof HeadComponent || component instanceof CircuitMembers;
    }

    private static boolean looksSomewhere(Treatment treatment) {
        return treatment instanceof Treatment.LookAt
                || treatment instanceof Treatment.Attend
                || treatment instanceof Treatment.PatchPath;
    }

    /** A sentence for each rival that nothing tells apart. */
    List<String> remarks() {
        return hypotheses.stream()
                .filter(hypothesis -> !hypothesis.wouldTell.isEmpty() && hypothesis.predictions.contains(SAME))
                .map(hypothesis -> "The rival " + hypothesis.name + " is not distinguishable from what is claimed; "
                        + hypothesis.wouldTell + " would tell.")
                .toList();
    }

    void write(JsonGenerator json) {
        json.writeObjectPropertyStart("matrix");
        Written.strings("experiments", experiments, json);
        json.writeArrayPropertyStart("hypotheses");
        for (Hypothesis hypothesis : hypotheses) {
            json.writeStartObject();
            json.writeStringProperty("name", hypothesis.name);
            Written.strings("predictions", hypothesis.predictions, json);
            json.writeBooleanProperty("distinguishable", hypothesis.wouldTell.isEmpty());
            if (!hypothesis.wouldTell.isEmpty()) {
                json.writeStringProperty("would_tell", hypothesis.wouldTell);
            }
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
