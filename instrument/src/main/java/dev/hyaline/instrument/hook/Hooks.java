package dev.hyaline.instrument.hook;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.Prompts;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Hooks that act together in a pass, TransformerLens's {@code run_with_hooks}. They live in the call they are passed
 * to. At a point they are called in the order given, each on what those before it left. Two that write a value in
 * common are an error unless {@link #inOrder} allows it. Immutable.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="hooks"}
 */
public final class Hooks {
    private final List<Hook> list;
    private final boolean inOrder;

    private Hooks(List<Hook> list, boolean inOrder) {
        this.list = List.copyOf(list);
        this.inOrder = inOrder;
    }

    public static Hooks of(Hook... hooks) {
        return of(List.of(hooks));
    }

    public static Hooks of(List<Hook> hooks) {
        return new Hooks(hooks, false);
    }

    /** The same hooks, allowed to write what an earlier one wrote. */
    public Hooks inOrder() {
        return new Hooks(list, true);
    }

    public List<Hook> list() {
        return list;
    }

    public boolean isInOrder() {
        return inOrder;
    }

    /**
     * Runs whole prompts with these hooks.
     *
     * @param logits which to form; rows count through the prompts end to end
     * @throws UnknownHookPointException if a hook's pattern names nothing
     * @throws HyalineException if a hook never fired, or two write the same values
     */
    public ForwardResult forward(Gpt2 model, Prompts prompts, LogitSelection logits) {
        List<Sequence> batch = IntStream.range(0, prompts.size())
                .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                .toList();
        HookProbe probe = probe(model.config());
        ForwardResult result =
                model.forward(ForwardRequest.of(batch).logits(logits).probe(probe));
        probe.requireAllFired();
        return result;
    }

    /**
     * A probe that calls these hooks, for passes over caches or parts of a model. Call
     * {@link HookProbe#requireAllFired} after the last pass.
     *
     * @throws UnknownHookPointException if a hook's pattern names nothing
     * @throws BadInputException if a pattern is not one
     */
    public HookProbe probe(Gpt2Config config) {
        HookProbe probe = new HookProbe(config, inOrder);
        for (Hook hook : list) {
            probe.add(hook, HookPoints.select(config, hook.points()));
        }
        return probe;
    }

    /** Each hook. */
    @Override
    public String toString() {
        return list.toString();
    }
}
