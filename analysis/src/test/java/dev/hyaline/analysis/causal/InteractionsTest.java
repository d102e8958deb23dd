package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.association.Shapley;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Interactions and Shapley values on fable, against whole passes with the same heads ablated. */
final class InteractionsTest {
    private static Gpt2 model;
    private static Experiment experiment;

    @BeforeAll
    static void open() {
        model = Fable.open();
        experiment = Experiment.start(
                model,
                PromptPairs.of(model.config(), Task.IOI_ABBA.draw(Fable.encoder(), 6, 1)),
                Metric.logitDifference());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Map<String, List<Target>> heads(String... names) {
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        for (String name : names) {
            sets.put(name, List.of(Node.parse(model.config(), name).output()));
        }
        return sets;
    }

    /** The logit difference of one pair in a whole pass with heads set to zero. */
    private static double direct(int pair, List<Target> ablated) {
        int[] tokens = experiment.pairs().get(pair).clean();
        float[] logits = EditedModel.of(
                        model,
                        Interventions.of(
                                ablated.stream().map(Intervention::zero).toArray(Intervention[]::new)))
                .forward(Prompts.of(model.config(), tokens), LogitSelection.last())
                .logits();
        return (double) logits[experiment.pairs().get(pair).answers()[0]]
                - logits[experiment.pairs().get(pair).distractors()[0]];
    }

    @Test
    void anInteractionIsWhatIsBeyondTheSum() {
        Map<String, List<Target>> sets = heads("a1.h0", "a1.h3", "a2.h4");
        ResultTable table = Interactions.measure(experiment, Ablation.zero(), sets);
        assertThat(table.axes().getFirst().labels()).containsExactly("a1.h0 x a1.h3", "a1.h0 x a2.h4", "a1.h3 x a2.h4");
        assertThat(table.units()).isEqualTo(experiment.pairs().units());
        for (int pair = 0; pair < 6; pair++) {
            double expected = direct(
                            pair,
                            Stream.of("a1.h3", "a2.h4")
                                    .flatMap(name -> sets.get(name).stream())
                                    .toList())
                    - direct(pair, sets.get("a1.h3"))
                    - direct(pair, sets.get("a2.h4"))
                    + experiment.baselines().clean()[pair];
            assertThat(table.values(2)[pair]).isCloseTo(expected, within(1e-9));
        }
    }

    /** Of two sets that are one, losing both costs no more than losing one: the interaction is the loss. */
    @Test
    void aSetAndItselfAreSerial() {
        List<Target> head = heads("a1.h3").get("a1.h3");
        Map<String, List<Target>> twice = new LinkedHashMap<>(Map.of("one", head));
        twice.put("same", head);
        ResultTable table = Interactions.measure(experiment, Ablation.zero(), twice);
        double[] clean = experiment.baselines().clean();
        for (int pair = 0; pair < clean.length; pair++) {
            assertThat(table.values(0)[pair]).isCloseTo(clean[pair] - direct(pair, head), within(1e-9));
        }
    }

    @Test
    void shapleyValuesAreMeansOverOrders() {
        Map<String, List<Target>> sets = heads("a1.h0", "a1.h3", "a2.h4");
        List<Target> besides = heads("a2.h2").get("a2.h2");
        ShapleyValues shapley = ShapleyValues.measure(experiment, Ablation.zero(), sets, besides, 1);
        List<List<Target>> places = List.copyOf(sets.values());
        for (int pair = 0; pair < 6; pair++) {
            int p = pair;
            double[] expected = Shapley.values(
                    3,
                    kept -> direct(
                            p,
                            Stream.concat(
                                            besides.stream(),
                                            Stream.of(0, 1, 2)
                                                    .filter(i -> (kept >> i & 1) == 0)
                                                    .flatMap(i -> places.get(i).stream()))
                                    .toList()));
            for (int i = 0; i < 3; i++) {
                assertThat(shapley.values().values(i)[pair]).isCloseTo(expected[i], within(1e-9));
            }
        }
        assertThat(shapley.sumError()).isLessThan(1e-12);
        assertThat(shapley.standardErrors()).isEmpty();
        assertThat(shapley.interactions().axes().getFirst().labels()).hasSize(3);
        // Of two players alone the index is the plain interaction.
        ShapleyValues two = ShapleyValues.measure(experiment, Ablation.zero(), heads("a1.h0", "a1.h3"), List.of(), 1);
        ResultTable plain = Interactions.measure(experiment, Ablation.zero(), heads("a1.h0", "a1.h3"));
        assertThat(two.interactions().values(0)).containsExactly(plain.values(0), within(1e-9));
    }

    /** With all other heads ablated, shares of what all heads add are parts of the circuit's f. */
    @Test
    void sharesAddUpToFaithfulness() {
        Map<String, List<Target>> sets = heads("a1.h0", "a1.h3", "a2.h4");
        List<Target> besides = new ArrayList<>();
        List<Target> all = new ArrayList<>();
        for (int cell = 0; cell < 32; cell++) {
            Node.Head head = new Node.Head(cell / 8, cell % 8);
            all.add(head.output());
            if (!sets.containsKey(head.toString())) {
                besides.add(head.output());
            }
        }
        HeadGap gap = HeadGap.measure(experiment, Ablation.zero());
        ShapleyValues values = ShapleyValues.measure(experiment, Ablation.zero(), sets, besides, 1);
        ShapleyValues shares = values.share(gap);
        double empty = 0;
        double kept = 0;
        for (int pair = 0; pair < 6; pair++) {
            empty += direct(pair, all) / 6;
            kept += direct(pair, besides) / 6;
        }
        double f = (kept - empty) / (experiment.baselines().meanClean() - empty);
        double sum = 0;
        for (double mean : shares.values().means()) {
            sum += mean;
        }
        assertThat(sum).isCloseTo(f, within(1e-9));
        assertThat(shares.whole()).isCloseTo(f, within(1e-9));
        assertThat(shares.sumError()).isEqualTo(values.sumError());
        assertThat(shares.values().units()).isEqualTo(values.values().units());
        assertThat(shares.interactions().mean(0))
                .isCloseTo(gap.share(values.interactions().mean(0)), within(1e-12));
        assertThatThrownBy(() -> new HeadGap(2, 2).share(1.0))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("nothing to take shares of");
    }

    @Test
    void manyComponentsAreSampled() {
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        for (int i = 0; i < 13; i++) {
            String name = new Node.Head(i % 2 + 2, i / 2).toString();
            sets.put(name, heads(name).get(name));
        }
        Experiment one = Experiment.start(
                model,
                PromptPairs.of(model.config(), experiment.pairs().list().subList(0, 1)),
                Metric.logitDifference());
        ShapleyValues sampled = ShapleyValues.measure(one, Ablation.zero(), sets, List.of(), 5);
        assertThat(sampled.interactions()).isNull();
        assertThat(sampled.sumError()).isLessThan(1e-9);
        assertThat(sampled.standardErrors()).hasSize(13).allMatch(error -> error > 0 && error < 0.2);
    }

    @Test
    void badInput() {
        assertThatThrownBy(() -> Interactions.measure(experiment, Ablation.zero(), heads("a1.h0")))
                .isInstanceOf(BadInputException.class)
                .hasMessage("an interaction is of two sets of nodes, found 1");
        assertThatThrownBy(() -> ShapleyValues.measure(experiment, Ablation.zero(), Map.of(), List.of(), 1))
                .hasMessage("Shapley values are of 1 to 31 sets of nodes, found 0");
    }
}
