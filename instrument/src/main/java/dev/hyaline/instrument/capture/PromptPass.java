package dev.hyaline.instrument.capture;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import java.util.stream.IntStream;

/** A pass over some of the prompts that are recorded: of the model as it is, or of an edited one. */
@FunctionalInterface
public interface PromptPass {
    /**
     * Runs the prompts from {@code first} to {@code end}, the end excluded, as one batch.
     *
     * @param logits which to form; rows count through these prompts end to end
     * @param reader sees the values that the pass leaves
     */
    ForwardResult forward(int first, int end, LogitSelection logits, Probe reader);

    /** Passes of a model as it is. */
    static PromptPass plain(Gpt2 model, Prompts prompts) {
        return (first, end, logits, reader) -> model.forward(ForwardRequest.of(IntStream.range(first, end)
                        .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                        .toList())
                .logits(logits)
                .probe(reader));
    }
}
