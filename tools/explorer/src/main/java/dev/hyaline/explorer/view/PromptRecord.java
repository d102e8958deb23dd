package dev.hyaline.explorer.view;

import dev.hyaline.analysis.attention.AttentionMeasurement;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import org.jspecify.annotations.Nullable;

/**
 * What the views of a prompt read of one pass.
 *
 * @param heads null of a single token, from which no head has a choice
 * @param logits after the last token, {@code [dVocab]}
 */
record PromptRecord(
        AttentionRecord attention, @Nullable AttentionMeasurement heads, LogitLens.Recording lens, float[] logits) {
    static PromptRecord of(Gpt2 model, int[] tokens, double lookedAt) {
        AttentionRecord attention = AttentionRecord.empty(model.config(), tokens.length);
        AttentionMeasurement heads = tokens.length == 1
                ? null
                : AttentionMeasurement.of(model.config(), Prompts.of(model.config(), tokens), lookedAt);
        LogitLens.Recording lens = LogitLens.of(model).recording(tokens);
        float[] logits = model.forward(ForwardRequest.of(tokens)
                        .probe(new Both(attention.recorder(heads), lens))
                        .logits(LogitSelection.last()))
                .logits();
        return new PromptRecord(attention, heads, lens, logits);
    }

    /** Two probes that read different points. */
    private record Both(Probe one, Probe other) implements Probe {
        @Override
        public boolean wants(HookPoint point) {
            return one.wants(point) || other.wants(point);
        }

        @Override
        public boolean changes(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            (one.wants(point) ? one : other).at(point, activation);
        }
    }
}
