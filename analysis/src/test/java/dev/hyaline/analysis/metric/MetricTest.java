package dev.hyaline.analysis.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Each metric against numbers worked out by hand. */
final class MetricTest {
    private static final float LN2 = (float) Math.log(2);
    private static final float LN3 = (float) Math.log(3);

    private static final PromptPair PAIR =
            new PromptPair("p", new int[] {0, 1, 2}, new int[] {0, 3, 2}, new int[] {1}, new int[] {2}, Map.of("S", 1));

    private static PromptPair pair(int[] answers, int[] distractors) {
        return new PromptPair("p", PAIR.clean(), PAIR.corrupted(), answers, distractors, PAIR.roles());
    }

    /** Probabilities 1/8, 2/8, 3/8, 2/8 of a vocabulary of four at the last position. */
    private static Reading reading(PromptPair pair) {
        Logits run = new Logits(new int[] {2}, new float[] {5, 5 + LN2, 5 + LN3, 5 + LN2});
        Logits clean = new Logits(new int[] {2}, new float[] {-1, -1, -1, -1});
        return new Reading(pair, pair.clean(), run, clean);
    }

    @Test
    void logitDifferenceReadsTwoColumnsAtItsRole() {
        Metric metric = Metric.logitDifference();
        assertThat(metric.positions(PAIR)).containsExactly(2);
        assertThat(metric.tokens(PAIR).orElseThrow()).containsExactly(1, 2);
        assertThat(Metric.logitDifference("S").positions(PAIR)).containsExactly(1);
        Logits logits = new Logits(new int[] {2}, new int[] {1, 2}, new float[] {7, 4.5f});
        assertThat(metric.measure(new Reading(PAIR, PAIR.clean(), logits, logits)))
                .isEqualTo(2.5);
    }

    @Test
    void setsAreAveraged() {
        PromptPair sets = pair(new int[] {1, 2}, new int[] {0});
        assertThat(Metric.logitDifference().measure(reading(sets))).isCloseTo((LN2 + LN3) / 2, within(1e-6));
        assertThat(Metric.logit("end").measure(reading(sets))).isCloseTo(5 + (LN2 + LN3) / 2, within(1e-6));
    }

    @Test
    void probabilities() {
        PromptPair sets = pair(new int[] {1, 2}, new int[] {0, 3});
        assertThat(Metric.logProbability("end").measure(reading(PAIR))).isCloseTo(Math.log(0.25), within(1e-6));
        assertThat(Metric.logProbability("end").measure(reading(sets))).isCloseTo(Math.log(0.625), within(1e-6));
        assertThat(Metric.probabilityDifference("end").measure(reading(sets))).isCloseTo(0.25, within(1e-6));
        assertThat(Metric.probabilityDifference("end").measure(reading(pair(new int[] {2}, new int[0]))))
                .isCloseTo(0.375, within(1e-6));
    }

    @Test
    void divergenceFromAUniformCleanRun() {
        double expected = 0.25 * (Math.log(0.25 / 0.125) + 2 * Math.log(1) + Math.log(0.25 / 0.375));
        assertThat(Metric.klToClean("end").measure(reading(PAIR))).isCloseTo(expected, within(1e-6));
        Reading itself = new Reading(
                PAIR, PAIR.clean(), reading(PAIR).clean(), reading(PAIR).clean());
        assertThat(Metric.klToClean("end").measure(itself)).isZero();
    }

    @Test
    void crossEntropyIsTheLossOnThePromptThatRan() {
        Metric metric = Metric.crossEntropy();
        assertThat(metric.positions(PAIR)).containsExactly(0, 1);
        Logits logits = new Logits(new int[] {0, 1}, new float[] {0, LN2, LN3, LN2, 0, 0, 0, 0});
        // Clean: 1 after 0 has 2/8, 2 after 1 has 1/4. Corrupted: 3 after 0 has 2/8 as well, 2 after 3 1/4.
        assertThat(metric.measure(new Reading(PAIR, PAIR.clean(), logits, logits)))
                .isCloseTo(Math.log(4), within(1e-6));
        assertThat(metric.measure(new Reading(PAIR, new int[] {0, 2, 2}, logits, logits)))
                .isCloseTo((Math.log(8 / 3.0) + Math.log(4)) / 2, within(1e-6));
        PromptPair one = new PromptPair("one", new int[] {0}, new int[] {1}, new int[] {1}, new int[0], Map.of());
        assertThatThrownBy(() -> metric.positions(one)).hasMessageContaining("at least two tokens");
    }

    @Test
    void accuracyAsksForTheLikeliestToken() {
        assertThat(Metric.accuracy("end").measure(reading(PAIR))).isZero();
        assertThat(Metric.accuracy("end").measure(reading(pair(new int[] {1, 2}, new int[0]))))
                .isEqualTo(1);
    }

    @Test
    void whatIsMissingIsNamed() {
        assertThatThrownBy(() -> Metric.logitDifference().tokens(pair(new int[] {1}, new int[0])))
                .isInstanceOf(BadInputException.class)
                .hasMessage("p: the metric logit-diff needs a distractor");
        assertThatThrownBy(() -> Metric.logit("IO").positions(PAIR)).hasMessageContaining("there is no role IO");
        assertThatThrownBy(() -> reading(PAIR).logits().at(1, 1))
                .hasMessage("logits of position 1 were not formed; there are those of [2]");
        assertThat(Metric.all("end"))
                .extracting(Metric::name)
                .doesNotHaveDuplicates()
                .hasSize(7);
    }

    @Test
    void largeLogitsDoNotOverflow() {
        Logits large = new Logits(new int[] {2}, new float[] {3e38f, 3e38f, -3e38f, 0});
        assertThat(Metric.logProbability("end").measure(new Reading(PAIR, PAIR.clean(), large, large)))
                .isCloseTo(Math.log(0.5), within(1e-12));
    }

    @Test
    void aMetricOfOnesOwnReadsAllLogitsOfTheLastPosition() {
        Metric odds = Metric.of("log-odds", "nats", reading -> reading.logit(2) - reading.logit(0));
        assertThat(odds.positions(PAIR)).containsExactly(2);
        assertThat(odds.tokens(PAIR)).isEmpty();
        assertThat(odds.measure(reading(PAIR))).isCloseTo(LN3, within(1e-6));
        assertThat(odds)
                .extracting(Metric::name, Metric::quantity, Metric::unit)
                .containsExactly("log-odds", "log-odds", "nats");
        assertThat(odds.quantity("log-odds of 2").quantity()).isEqualTo("log-odds of 2");
        Metric share = Metric.of(
                "p",
                "",
                reading -> reading.probability(2) - Math.exp(reading.clean().logProbability(2)));
        assertThat(share.measure(reading(PAIR))).isCloseTo(0.375 - 0.25, within(1e-6));
    }

    @Test
    void whatAMetricReadsIsChosenAndChecked() {
        Metric logit = Metric.of("logit", "logits", reading -> reading.logit(1));
        assertThat(logit.at("S").positions(PAIR)).containsExactly(1);
        assertThat(logit.tokens(PromptPair::answers).tokens(PAIR).orElseThrow()).containsExactly(1);
        assertThatThrownBy(() -> logit.positions(pair -> new int[] {0, 3}).positions(PAIR))
                .isInstanceOf(BadInputException.class)
                .hasMessage("p: the metric logit reads positions [0, 3]; they must ascend and run from 0 to 2");
        assertThatThrownBy(() -> logit.positions(pair -> new int[0]).positions(PAIR))
                .hasMessage("p: the metric logit reads no position");
    }

    @Test
    void whatWasNotFormedIsSaid() {
        Logits all = reading(PAIR).logits();
        assertThatThrownBy(() -> all.at(4))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no token 4: tokens run from 0 to 3");
        assertThatThrownBy(() -> all.at(2, -1)).hasMessageContaining("there is no token -1");
        assertThatThrownBy(() -> all.likeliest(0)).hasMessageContaining("there are those of [2]");
        Logits some = new Logits(new int[] {2}, new int[] {1}, new float[] {7});
        assertThatThrownBy(() -> some.at(0)).hasMessage("logits of token 0 were not formed");
        assertThatThrownBy(some::logProbabilities)
                .isInstanceOf(BadInputException.class)
                .hasMessage("probabilities need the logits of all tokens, but those of 1 were formed");
    }
}
