package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.util.Comparator;
import java.util.stream.IntStream;

/** The neurons of a layer with the largest mean size of activation at the last positions of the clean prompts. */
final class LoudestNeurons {
    private LoudestNeurons() {}

    static int[] of(Evidence evidence, int layer, int most) {
        Gpt2Config config = evidence.experiment().config();
        ActivationSource neurons = evidence.experiment().runs().recorded(Side.CLEAN, Site.MLP_POST);
        float[] row = new float[Site.MLP_POST.shape().width(config)];
        double[] sizes = new double[row.length];
        for (int pair = 0; pair < evidence.experiment().pairs().size(); pair++) {
            int end = evidence.experiment().pairs().get(pair).end();
            neurons.read(new Slot(HookPoint.of(Site.MLP_POST, layer), pair, end, Slot.NO_HEAD), row);
            for (int neuron = 0; neuron < row.length; neuron++) {
                sizes[neuron] += Math.abs(row[neuron]);
            }
        }
        return IntStream.range(0, row.length)
                .boxed()
                .sorted(Comparator.comparingDouble(neuron -> -sizes[neuron]))
                .limit(most)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }
}
