package dev.hyaline.engine.internal.device;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.site.Boundary;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Short passes that a device must compute as the processors do. A driver that fails at run time may say so nowhere but
 * on its output, and leave wrong values.
 *
 * @param request two sequences of unequal length, so that a device that mixes up rows or positions is found
 */
public record DeviceCheck(ForwardRequest request, int lastLayer) {
    /** Largest difference, relative to the largest value. */
    public static final float TOLERANCE = 1e-4f;

    private static final int LONGER = 19;
    private static final int SHORTER = 5;

    public static DeviceCheck of(Gpt2Config config) {
        Sequence longer = tokens(config, LONGER, 7919);
        Sequence shorter = tokens(config, SHORTER, 104_729);
        return new DeviceCheck(
                ForwardRequest.of(List.of(longer, shorter)).logits(LogitSelection.all()), config.nLayers());
    }

    private static Sequence tokens(Gpt2Config config, int length, int stride) {
        return Sequence.of(IntStream.rangeClosed(1, Math.min(length, config.nCtx()))
                .map(i -> (int) ((long) i * stride % config.dVocab()))
                .toArray());
    }

    /**
     * Compares the residual stream after the last layer, of both sequences and of a single token, and the logits.
     *
     * @throws BackendUnavailableException if they differ by more than {@link #TOLERANCE}
     */
    public void compare(
            Function<ForwardRequest, ForwardResult> device, Function<ForwardRequest, ForwardResult> processors) {
        ForwardRequest residual = request.to(Boundary.residPre(lastLayer));
        requireClose(
                "the residual stream",
                device.apply(residual).residual(),
                processors.apply(residual).residual());
        ForwardRequest single =
                ForwardRequest.of(request.sequences().getFirst().token(0)).to(Boundary.residPre(lastLayer));
        requireClose(
                "the residual stream of one token",
                device.apply(single).residual(),
                processors.apply(single).residual());
        requireClose(
                "the logits",
                device.apply(request).logits(),
                processors.apply(request).logits());
    }

    private static void requireClose(String what, float[] found, float[] expected) {
        float largest = 0;
        float worst = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            worst = Math.max(worst, Math.abs(found[i] - expected[i]));
        }
        // Not "worst > ...", which NaN would pass.
        if (!(worst <= TOLERANCE * largest)) {
            throw new BackendUnavailableException(
                    "the device computes something else than the processors: " + what + " differs by " + worst
                            + " where the largest value is " + largest,
                    "what its driver printed may tell why; run on the processors instead");
        }
    }
}
