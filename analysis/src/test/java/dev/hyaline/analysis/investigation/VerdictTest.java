package dev.hyaline.analysis.investigation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimOutcome;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimReason;
import dev.hyaline.analysis.robustness.Verdict;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The decision rules against those of the reference, case by case. */
final class VerdictTest {
    private static JsonNode golden;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream in = VerdictTest.class.getResourceAsStream("/golden/investigation/verdicts.json")) {
            golden = JsonMapper.shared().readTree(in);
        }
    }

    static ClaimVerdict verdict(JsonNode node) {
        return new ClaimVerdict(
                ClaimOutcome.valueOf(node.get("verdict").asString().toUpperCase(Locale.ROOT)),
                node.get("reason").isNull()
                        ? null
                        : ClaimReason.valueOf(node.get("reason")
                                .asString()
                                .toUpperCase(Locale.ROOT)
                                .replace('-', '_')));
    }

    @Test
    void claimsOfTheReference() {
        int cases = 0;
        for (JsonNode node : golden.get("prediction_verdicts").values()) {
            ClaimFinding finding = new ClaimFinding(
                    node.get("direction").asString().equals("none")
                            ? ClaimDirection.NO_EFFECT
                            : ClaimDirection.AT_LEAST,
                    new Interval(node.get("low").doubleValue(), node.get("high").doubleValue()),
                    node.get("sesoi").doubleValue(),
                    node.get("adjusted_p").doubleValue(),
                    node.get("alpha").doubleValue(),
                    node.get("smallest_p").doubleValue(),
                    node.get("controls_beaten").booleanValue(),
                    node.get("sanity").booleanValue(),
                    node.get("heterogeneous").booleanValue());
            assertThat(finding.verdict()).as("%s", node).isEqualTo(verdict(node));
            cases++;
        }
        assertThat(cases).isEqualTo(26);
    }

    @Test
    void hypothesesOfTheReference() {
        int cases = 0;
        for (JsonNode node : golden.get("hypothesis_verdicts").values()) {
            List<HypothesisVerdict.Judged> claims = new ArrayList<>();
            node.get("predictions")
                    .forEach(claim -> claims.add(new HypothesisVerdict.Judged(
                            claim.get("name").asString(), claim.get("primary").booleanValue(), verdict(claim))));
            List<HypothesisVerdict.Rival> rivals = new ArrayList<>();
            node.get("alternatives")
                    .forEach(rival -> rivals.add(new HypothesisVerdict.Rival(
                            rival.get("name").asString(),
                            rival.get("required").booleanValue(),
                            rival.get("excluded").booleanValue())));
            HypothesisVerdict verdict = HypothesisVerdict.of(
                    claims,
                    rivals,
                    node.get("sanity").booleanValue(),
                    Verdict.valueOf(node.get("robustness").asString().toUpperCase(Locale.ROOT)),
                    node.get("held_out").booleanValue());
            assertThat(verdict.word())
                    .as("%s", node)
                    .hasToString(node.get("verdict").asString());
            assertThat(verdict.reasons().stream()
                            .map(reason -> reason.replaceAll(" \\(.*", ""))
                            .toList())
                    .as("%s", node)
                    .containsExactlyElementsOf(node.get("reasons")
                            .valueStream()
                            .map(JsonNode::asString)
                            .toList());
            cases++;
        }
        assertThat(cases).isEqualTo(11);
    }

    @Test
    void aRefutedClaimRefutesNothingOnThePromptsItWasFoundOn() {
        HypothesisVerdict verdict = HypothesisVerdict.of(
                List.of(new HypothesisVerdict.Judged("needed", true, ClaimVerdict.refuted(ClaimReason.OPPOSITE))),
                List.of(),
                true,
                Verdict.ROBUST,
                /* heldOut= */ false);
        assertThat(verdict.word()).isEqualTo(HypothesisVerdict.Word.INCONCLUSIVE);
        assertThat(verdict.reasons())
                .containsExactly(
                        "needed: opposite (the interval lies on the other side of 0)",
                        "not tested on held-out prompts");
    }

    @Test
    void nothingIsSupportedWithoutAPrimaryClaim() {
        assertThat(HypothesisVerdict.of(List.of(), List.of(), true, Verdict.ROBUST, true)
                        .reasons())
                .containsExactly("there is no primary claim");
    }

    @Test
    void withoutAnIntervalThereAreTooFewUnits() {
        assertThat(new ClaimFinding(ClaimDirection.AT_LEAST, null, 1, 0.01, 0.025, 0.001, true, true, false).verdict())
                .hasToString("inconclusive (too-few-units)");
    }

    @Test
    void numbersThatAreNoneAreRefused() {
        Interval interval = new Interval(1, 2);
        assertThatThrownBy(() -> new ClaimFinding(
                        ClaimDirection.AT_LEAST, interval, 1, Double.NaN, 0.025, 0.1, true, true, false))
                .isInstanceOf(BadInputException.class)
                .hasMessage("p values and levels lie between 0 and 1, found adjusted p NaN, smallest p 0.1,"
                        + " level 0.025");
        assertThatThrownBy(() ->
                        new ClaimFinding(ClaimDirection.NO_EFFECT, interval, 0, 0.1, 0.05, 0.01, true, true, false))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the number of a claim must be finite, and above 0 of a claim of no effect, found 0.0");
    }
}
