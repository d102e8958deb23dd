package dev.hyaline.instrument.run;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Random models, prompts and edits: every site, every kind of intervention, any positions. */
public final class RandomEdits {
    private static final List<Site> SITES = List.of(Site.values());

    private final Random random;
    private final Gpt2Config config;
    private final Prompts prompts;
    private ActivationSource other;

    public RandomEdits(long seed) {
        random = new Random(seed);
        int heads = 1 + random.nextInt(4);
        config = new Gpt2Config(
                1 + random.nextInt(3),
                heads,
                heads * (1 + random.nextInt(9)),
                1 + random.nextInt(50),
                40,
                2 + random.nextInt(60),
                1e-5f,
                ActivationFunction.GELU_NEW,
                true,
                random.nextBoolean(),
                random.nextBoolean());
        prompts = Prompts.of(
                config,
                IntStream.range(0, 1 + random.nextInt(3))
                        .mapToObj(i -> tokens(1 + random.nextInt(config.nCtx())))
                        .toArray(int[][]::new));
    }

    private int[] tokens(int length) {
        return random.ints(length, 0, config.dVocab()).toArray();
    }

    public Gpt2Config config() {
        return config;
    }

    public Prompts prompts() {
        return prompts;
    }

    public Random random() {
        return random;
    }

    public Gpt2 model(int threads) {
        return Gpt2.of(Gpt2Weights.random(config, 5), threads);
    }

    /** Where patches come from: other tokens at the same lengths. */
    public void record(Gpt2 model) {
        Prompts others = Prompts.of(
                config,
                IntStream.range(0, prompts.size())
                        .mapToObj(s -> tokens(prompts.length(s)))
                        .toArray(int[][]::new));
        other = ActivationCache.record(model, others, Capture.of(HookPoint.all(config)))
                .source();
    }

    public ActivationSource other() {
        return other;
    }

    public SequenceEdit edit() {
        int sequence = random.nextInt(prompts.size());
        List<Intervention> list = new ArrayList<>();
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            list.add(intervention(target(sequence)));
        }
        return new SequenceEdit(sequence, Interventions.of(list).inOrder());
    }

    /** One of a sequence by name that neither writes logits nor makes them infinite by dividing by zero. */
    public SequenceEdit editOfOneSequence() {
        while (true) {
            SequenceEdit edit = edit();
            if (edit.interventions().list().stream()
                    .map(Intervention::target)
                    .noneMatch(target -> target.site() == Site.UNEMBED_OUT
                            || target.site().shape() == Site.Shape.SCALE
                            || target.sequences().isAll())) {
                return edit;
            }
        }
    }

    private Target target(int sequence) {
        Site site = SITES.get(random.nextInt(SITES.size()));
        Target target = Target.of(site);
        if (site.perLayer()) {
            target = random.nextInt(4) == 0 ? target : target.layers(random.nextInt(config.nLayers()));
        }
        if (site.shape().byHead() && random.nextBoolean()) {
            target = target.heads(random.nextInt(config.nHeads()));
        }
        int length = prompts.length(sequence);
        target = random.nextBoolean() ? target : target.sequences(sequence);
        target = switch (random.nextInt(3)) {
            case 0 -> target;
            case 1 -> target.positions(random.nextInt(length) - length);
            default -> {
                int first = random.nextInt(length);
                yield target.positions(IndexSelection.parse(first + "-" + (first + random.nextInt(length - first))));
            }
        };
        int width = site.placeWidth(config);
        boolean map = site.isMap();
        return switch (random.nextInt(4)) {
            case 0 -> target.components(map ? 0 : random.nextInt(width));
            case 1 -> map ? target : target.subspace(List.of(vector(width)));
            default -> target;
        };
    }

    private Direction vector(int width) {
        float[] values = new float[width];
        for (int i = 0; i < width; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Direction.of(values);
    }

    private Intervention intervention(Target target) {
        boolean map = target.site().shape() == Site.Shape.ATTENTION;
        int width = target.site().placeWidth(config);
        boolean swaps = target.site().shape().byHead() && config.nHeads() > 1;
        return switch (random.nextInt(12)) {
            case 0 -> Intervention.zero(target);
            case 1 -> Intervention.mean(target, map ? Means.byPosition(other) : Means.overall(other));
            case 2 -> Intervention.mean(target, Means.byPosition(other));
            case 3 -> Intervention.patch(target, other);
            case 4 -> Intervention.set(target, random.nextFloat());
            case 5 -> new Intervention.Add(target, map ? Direction.of(0.5f) : vector(width), random.nextInt(3));
            case 6 -> Intervention.scale(target, random.nextInt(3));
            case 7 -> map ? Intervention.scale(target, 0.5f) : Intervention.projectOut(target, vector(width));
            case 8 -> swaps ? Intervention.swapHeads(target, 0, config.nHeads() - 1) : Intervention.zero(target);
            case 9 -> Intervention.noise(target, random.nextInt(2) * 0.1f, random.nextLong());
            case 10 -> Intervention.resample(target, other, random.nextLong());
            default ->
                Intervention.function(target, (slot, values) -> {
                    for (int i = 0; i < values.length; i++) {
                        values[i] = values[i] * 0.5f + slot.position();
                    }
                });
        };
    }
}
