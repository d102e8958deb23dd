package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.HypothesisVerdict.Rival;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The result of an alternative's test against a claim.
 *
 * @param control whether the claim is not confirmed unless it is excluded
 * @param required whether the hypothesis is not supported unless it is excluded
 * @param quantity the deciding number in words, such as {@code rank p}; empty if it was not tested
 * @param value the deciding number; NaN if it was not tested, or if the claim fails for want of an interval
 * @param limit the number that the value is compared with; NaN if it was not tested
 * @param observed the claimed quantity, turned so that the predicted direction is positive
 * @param controls the same of controls, for a picture of their distribution; empty of tests without any
 * @param words the result in a sentence
 */
public record AlternativeFinding(
        String alternative,
        String claim,
        boolean control,
        boolean required,
        Standing standing,
        String quantity,
        double value,
        double limit,
        double observed,
        List<Double> controls,
        String words) {

    /** How an alternative stands after its test. */
    public enum Standing {
        EXCLUDED,
        NOT_EXCLUDED,
        /** The prompts or the claim give its test nothing to decide by. */
        NOT_TESTED;

        /** In lower case, with hyphens. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public AlternativeFinding {
        controls = List.copyOf(controls);
    }

    /** What a test decided. */
    public static AlternativeFinding decided(
            Alternative alternative,
            TestedClaim claim,
            boolean excluded,
            String quantity,
            double value,
            double limit,
            double[] controls,
            String words) {
        return new AlternativeFinding(
                alternative.name(),
                claim.claim().name(),
                alternative.isControlOf(claim.claim()),
                alternative.isRequiredBy(claim.claim()),
                excluded ? Standing.EXCLUDED : Standing.NOT_EXCLUDED,
                quantity,
                value,
                limit,
                claim.mean(),
                Arrays.stream(controls).boxed().toList(),
                words);
    }

    /** A test that had nothing to decide by. */
    public static AlternativeFinding notTested(Alternative alternative, TestedClaim claim, String words) {
        return new AlternativeFinding(
                alternative.name(),
                claim.claim().name(),
                alternative.isControlOf(claim.claim()),
                alternative.isRequiredBy(claim.claim()),
                Standing.NOT_TESTED,
                "",
                Double.NaN,
                Double.NaN,
                claim.mean(),
                List.of(),
                words);
    }

    public boolean isExcluded() {
        return standing == Standing.EXCLUDED;
    }

    /** Returns whether the deciding number is the rank of what is claimed among its controls. */
    public boolean isRank() {
        return quantity.equals(RankP.QUANTITY);
    }

    /** Returns whether no control of a claim does as much as what is claimed. */
    public static boolean controlsBeaten(List<AlternativeFinding> findings, Claim claim) {
        return findings.stream()
                .filter(finding -> finding.control && finding.claim.equals(claim.name()))
                .noneMatch(finding -> finding.standing == Standing.NOT_EXCLUDED);
    }

    /**
     * Each alternative over all claims: required if any claim requires it, excluded if every claim that does has it
     * excluded.
     */
    public static List<Rival> rivals(List<AlternativeFinding> findings) {
        Map<String, List<AlternativeFinding>> byName = new LinkedHashMap<>();
        findings.forEach(finding -> byName.computeIfAbsent(finding.alternative, name -> new ArrayList<>())
                .add(finding));
        return byName.entrySet().stream()
                .map(entry -> rival(entry.getKey(), entry.getValue()))
                .toList();
    }

    private static Rival rival(String name, List<AlternativeFinding> findings) {
        List<AlternativeFinding> required =
                findings.stream().filter(AlternativeFinding::required).toList();
        List<AlternativeFinding> deciding = required.isEmpty() ? findings : required;
        return new Rival(name, !required.isEmpty(), deciding.stream().allMatch(AlternativeFinding::isExcluded));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
