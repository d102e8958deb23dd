package dev.hyaline.engine.internal.kernel;

/**
 * One step of Adam (Kingma and Ba 2015), or of AdamW (Loshchilov and Hutter 2019), for any number of parameters.
 *
 * @param rate the learning rate
 * @param inverseBias1 {@code 1 / (1 - beta1^t)}
 * @param inverseBias2 {@code 1 / (1 - beta2^t)}
 * @param eps added to the root of the second moment
 * @param gradientScale what gradients are multiplied by first; below 1 where their norm is clipped
 * @param kept what parameters are multiplied by first; below 1 where weights decay
 */
public record AdamStep(
        float rate,
        float beta1,
        float beta2,
        float inverseBias1,
        float inverseBias2,
        float eps,
        float gradientScale,
        float kept) {}
