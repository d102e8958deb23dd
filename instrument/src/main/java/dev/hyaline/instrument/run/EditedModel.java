package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model with interventions in every pass: whole passes over prompts, recordings and generation. The model itself is
 * not changed. To try many edits on the same prompts, and recompute only what each can change, use {@link BaseRun}.
 * Immutable and thread-safe; the model must stay open.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="edited"}
 */
public final class EditedModel {
    private final Gpt2 model;
    private final Interventions interventions;

    private EditedModel(Gpt2 model, Interventions interventions) {
        this.model = model;
        this.interventions = interventions;
    }

    /** A model with interventions. Whether they fit is found when prompts are given. */
    public static EditedModel of(Gpt2 model, Interventions interventions) {
        return new EditedModel(model, interventions);
    }

    /**
     * Runs whole prompts in one pass.
     *
     * @param logits which to form; rows count through the prompts end to end
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public ForwardResult forward(Prompts prompts, LogitSelection logits) {
        return forward(prompts, logits, Probe.NONE);
    }

    /**
     * As {@link #forward(Prompts, LogitSelection)}, with a reader that sees the values that the interventions leave.
     */
    public ForwardResult forward(Prompts prompts, LogitSelection logits, Probe reader) {
        BoundEdits.requireSequences(interventions, prompts.size());
        return forward(prompts, IntStream.range(0, prompts.size()).toArray(), logits, reader);
    }

    private ForwardResult forward(Prompts prompts, int[] sequences, LogitSelection logits, Probe reader) {
        List<Sequence> batch = IntStream.of(sequences)
                .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                .toList();
        InterventionProbe probe = InterventionProbe.of(interventions, model.config(), prompts, sequences)
                .then(reader);
        ForwardResult result =
                model.forward(ForwardRequest.of(batch).logits(logits).probe(probe));
        probe.requireAllFired();
        return result;
    }

    /**
     * Runs prompts, several to a pass, and keeps what a capture names. Where an intervention acts, the edited value is
     * kept.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts, or as
     *     {@link ActivationCache#record(Gpt2, Prompts, Capture)}
     */
    public ActivationCache record(Prompts prompts, Capture capture) {
        return ActivationCache.record(model, prompts, capture, passes(prompts));
    }

    /**
     * Passes over some of the prompts at a time.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts, here or in a pass
     */
    public PromptPass passes(Prompts prompts) {
        return passes(prompts, IndexSelection.all());
    }

    /**
     * Passes over some of the chosen prompts at a time, which count the chosen ones.
     *
     * @param prompts all of them, which the interventions count
     * @throws BadInputException if an intervention does not fit the model or the prompts, here or in a pass, or a
     *     chosen prompt does not exist
     */
    public PromptPass passes(Prompts prompts, IndexSelection chosen) {
        BoundEdits.requireSequences(interventions, prompts.size());
        int[] sequences = chosen.in(prompts.size(), "sequence");
        return (first, end, logits, reader) ->
                forward(prompts, Arrays.copyOfRange(sequences, first, end), logits, reader);
    }

    /**
     * Continues prompts. Positions are absolute and go on through what is generated; negative ones count from the end
     * of the prompt. An intervention that takes its values from the same positions of another run acts in the prompt
     * alone unless positions are chosen. Each step equals a full pass over the text so far with the same interventions,
     * bit for bit.
     *
     * @param generator with this model
     * @param listener is told each token as soon as it is drawn
     * @return the new tokens of each prompt
     * @throws BadInputException if an intervention does not fit the model or the prompts, or is at a position that the
     *     text cannot reach
     */
    public List<int[]> generate(Generator generator, Prompts prompts, Generator.TokenListener listener) {
        if (generator.model() != model) {
            throw new BadInputException("prompts are continued with the model that is edited, found another");
        }
        BoundEdits.requireSequences(interventions, prompts.size());
        List<List<BoundEdit>> edits = IntStream.range(0, prompts.size())
                .mapToObj(s -> EditedGeneration.edits(interventions, generator, prompts, s))
                .toList();
        List<int[]> tokens =
                IntStream.range(0, prompts.size()).mapToObj(prompts::tokens).toList();
        return EditedGeneration.edited(generator, edits).generate(tokens, listener);
    }

    /**
     * The logits by which {@link #generate} chose each token of a continuation, {@code [generated, dVocab]}.
     *
     * @param generator the same
     * @param sequence index of the prompt
     * @param generated what followed it
     * @throws BadInputException if there is no such prompt, or its continuation is longer than the model has positions
     */
    public float[] logits(Generator generator, Prompts prompts, int sequence, int... generated) {
        BadInputException.requireIndex("prompt", sequence, prompts.size());
        if (generated.length == 0) {
            return new float[0];
        }
        int[] prompt = prompts.tokens(sequence);
        int[] run = Arrays.copyOf(prompt, prompt.length + generated.length - 1);
        System.arraycopy(generated, 0, run, prompt.length, generated.length - 1);
        List<BoundEdit> edits = EditedGeneration.edits(interventions, generator, prompts, sequence);
        return model.forward(ForwardRequest.of(run)
                        .probe(InterventionProbe.builder().add(0, edits).build())
                        .logits(LogitSelection.rows(
                                IntStream.range(prompt.length - 1, run.length).toArray())))
                .logits();
    }

    /** The interventions. */
    @Override
    public String toString() {
        return model + ", edited: " + interventions;
    }
}
