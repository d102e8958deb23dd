package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.weights.Matrix;

/**
 * The logits that a head's OV circuit writes for what stands at a position: the head's value there through {@code W_O},
 * less its mean, times the final norm's gain, through the unembedding.
 */
final class OvCircuit {
    private OvCircuit() {}

    /**
     * The rank, from 1, of the token at a role among the logits for what stands there, by pair.
     *
     * @throws dev.hyaline.engine.error.BadInputException if a pair lacks the role
     */
    static double[] ranks(MechanismStudy study, HeadComponent head, String role) {
        Gpt2Config config = study.config();
        Matrix output = study.weights().wO(head.layer(), head.head());
        Matrix unembedding = study.weights().wU();
        float[] gain = study.model().weights().tensor("ln_f.weight");
        ActivationSource values = study.clean(Site.V);
        int d = config.dModel();
        float[] row = new float[config.dHead()];
        double[] ranks = new double[study.pairs().size()];
        for (int pair = 0; pair < ranks.length; pair++) {
            PromptPair prompts = study.pairs().get(pair);
            int position = prompts.position(role);
            values.read(new Slot(HookPoint.of(Site.V, head.layer()), pair, position, head.head()), row);
            double[] written = Matrix.of(1, row.length, row).times(output).values();
            double mean = 0;
            for (double value : written) {
                mean += value / d;
            }
            for (int i = 0; i < d; i++) {
                written[i] = (written[i] - mean) * gain[i];
            }
            double[] logits = new Matrix(1, d, written).times(unembedding).values();
            double own = logits[prompts.clean()[position]];
            int above = 0;
            for (double logit : logits) {
                above += logit > own ? 1 : 0;
            }
            ranks[pair] = 1 + above;
        }
        return ranks;
    }
}
