package dev.hyaline.analysis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.dictionary.Coding;
import dev.hyaline.analysis.dictionary.LearnedDictionary;
import dev.hyaline.analysis.dictionary.MiniBatchDictionaryLearning;
import dev.hyaline.analysis.dictionary.SparseCoder;
import dev.hyaline.analysis.dictionary.SparseCodes;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentEdit;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.EditedModel;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc, which includes the marked regions. */
final class JavadocExamplesTest {
    private static final Path SAE = SparseGolden.path("fable/topk");

    private static float[] normal(int count) {
        Random random = new Random(4);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void anAutoencoder() {
        Path folder = SAE;
        SparseAutoencoder sae = SaeFiles.read(folder).autoencoder();
        float[] x = normal(5 * sae.config().dIn());
        // @start region="encode"
        Latents latents = sae.encode(x); // x: [tokens, width]; of each token, the latents that fire
        float[] reconstructed = sae.decode(latents); // [tokens, width]
        // @end
        assertThat(reconstructed).isEqualTo(sae.reconstruct(x)).hasSameSizeAs(x);
    }

    @Test
    void aSplice() {
        try (Gpt2 model = Fable.open()) {
            Prompts prompts =
                    Prompts.of(model.config(), Fable.tokenizer().encodePrompt("Anna went to the park because"));
            Attachment attachment = Attachment.of(SaeFiles.read(SAE).autoencoder(), model);
            // @start region="splice"
            Splice splice = Splice.of(attachment).withError().edit(new LatentEdit.AblateLatent(27));
            ForwardResult result = EditedModel.of(model, Interventions.of(splice.intervention()))
                    .forward(prompts, LogitSelection.last());
            // @end
            float[] logits = result.logits();
            assertThat(logits).hasSize(model.config().dVocab());
            assertThat(logits)
                    .isNotEqualTo(
                            model.forward(ForwardRequest.of(prompts.tokens(0)).logits(LogitSelection.last()))
                                    .logits());
        }
    }

    @Test
    void dictionaries() {
        int d = 6;
        float[] samples = normal(40 * d);
        // @start region="learn"
        LearnedDictionary learned =
                MiniBatchDictionaryLearning.of(12, 0.1).epochs(5).fit(samples, d); // samples: [samples, d]
        // @end
        double[] dictionary = learned.rows();
        // @start region="code"
        SparseCoder coder = SparseCoder.of(dictionary, d, Coding.lasso(0.1)); // dictionary: [atoms, d]
        SparseCodes codes = coder.encode(samples);
        // @end
        assertThat(distance(samples, codes, dictionary)).isBetween(0.0, 0.5);
    }

    /** Of samples from what their codes stand for, squared, as a share of their size. */
    private static double distance(float[] samples, SparseCodes codes, double[] dictionary) {
        double[] coefficients = codes.dense();
        int d = samples.length / codes.samples();
        double distance = 0;
        double size = 0;
        for (int i = 0; i < samples.length; i++) {
            double decoded = 0;
            for (int atom = 0; atom < codes.width(); atom++) {
                decoded += coefficients[i / d * codes.width() + atom] * dictionary[atom * d + i % d];
            }
            distance += (samples[i] - decoded) * (samples[i] - decoded);
            size += samples[i] * (double) samples[i];
        }
        return distance / size;
    }
}
