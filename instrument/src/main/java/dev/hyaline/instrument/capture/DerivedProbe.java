package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/** Computes derived sites in the passes over some prompts, at the positions that a {@link Capture} chooses. */
public final class DerivedProbe {
    private final List<DerivedSite> sites;
    private final Prompts prompts;
    private final Capture capture;
    private final DerivedListener listener;
    private final Set<HookPoint> sources = new HashSet<>();

    /** Receives the rows of derived sites, sequence by sequence. */
    @FunctionalInterface
    public interface DerivedListener {
        /**
         * All rows of a site in a sequence.
         *
         * @param sequence index among the prompts
         * @param values {@code [positions, width]}
         */
        void derived(DerivedSite site, int sequence, float[] values);
    }

    /**
     * Derived sites of prompts.
     *
     * @throws BadInputException if two have one name, or one is computed from an attention map
     */
    public DerivedProbe(List<DerivedSite> sites, Prompts prompts, Capture capture, DerivedListener listener) {
        this.sites = requireDistinct(sites);
        this.prompts = prompts;
        this.capture = capture;
        this.listener = listener;
        sites.forEach(site -> sources.addAll(site.sources()));
    }

    /** Checks that sites can be derived together. */
    public static List<DerivedSite> requireDistinct(List<DerivedSite> sites) {
        Set<String> names = new HashSet<>();
        for (DerivedSite site : sites) {
            if (!names.add(site.name())) {
                throw new BadInputException("two sites are called " + site.name());
            }
            for (HookPoint source : site.sources()) {
                if (source.site().isMap()) {
                    throw new BadInputException(
                            site.name() + " cannot be computed from " + source + ", which has no row a token");
                }
            }
        }
        return List.copyOf(sites);
    }

    /** The same passes, in which the sites are computed too. */
    public PromptPass in(PromptPass pass) {
        return (first, end, logits, reader) -> pass.forward(first, end, logits, new Reading(first, reader));
    }

    /**
     * Passes in which the gradients at the sites are computed.
     *
     * @param pass the passes that compute gradients and show their forward pass's values to a probe
     */
    public PromptPass inGradients(Function<Probe, PromptPass> pass) {
        return (first, end, logits, reader) -> {
            Held values = new Held(first, sources);
            return pass.apply(values).forward(first, end, logits, new ReadingGradients(values, first, reader));
        };
    }

    /** Chosen rows at some points, by sequence; changes nothing. */
    private final class Held implements Probe {
        private final int firstSequence;
        private final Set<HookPoint> points;
        private final Map<HookPoint, List<float[]>> rows = new HashMap<>();

        Held(int firstSequence, Set<HookPoint> points) {
            this.firstSequence = firstSequence;
            this.points = points;
        }

        @Override
        public boolean wants(HookPoint point) {
            return points.contains(point);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            List<float[]> bySequence = new ArrayList<>();
            for (int s = 0; s < activation.sequences(); s++) {
                bySequence.add(chosen(activation, s));
            }
            rows.put(point, bySequence);
        }

        boolean has(DerivedSite site) {
            return rows.keySet().containsAll(site.sources());
        }

        /** What the sources of a site held in a sequence of the pass. */
        List<float[]> ofSources(DerivedSite site, int sequence) {
            return site.sources().stream()
                    .map(source -> Objects.requireNonNull(rows.get(source)).get(sequence))
                    .toList();
        }

        private float[] chosen(Activation activation, int sequence) {
            int width = activation.width();
            int[] positions = capture.positions(prompts, firstSequence + sequence);
            float[] chosen = new float[positions.length * width];
            int to = 0;
            for (int row = activation.firstRow(sequence); row < activation.firstRow(sequence + 1); row++) {
                if (Arrays.binarySearch(positions, activation.position(row)) >= 0) {
                    System.arraycopy(activation.values(), row * width, chosen, to * width, width);
                    to++;
                }
            }
            return chosen;
        }
    }

    private final class Reading implements Probe {
        private final int firstSequence;
        private final Probe reader;
        private final Held held;

        Reading(int firstSequence, Probe reader) {
            this.firstSequence = firstSequence;
            this.reader = reader;
            held = new Held(firstSequence, sources);
        }

        @Override
        public boolean wants(HookPoint point) {
            return reader.wants(point) || sources.contains(point);
        }

        @Override
        public boolean reads(HookPoint point, int sequence, int position) {
            return sources.contains(point) || reader.reads(point, sequence, position);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            if (reader.wants(point)) {
                reader.at(point, activation);
            }
            if (!sources.contains(point)) {
                return;
            }
            held.at(point, activation);
            for (DerivedSite site : sites) {
                if (site.sources().contains(point) && held.has(site)) {
                    for (int s = 0; s < activation.sequences(); s++) {
                        listener.derived(site, firstSequence + s, site.values(held.ofSources(site, s)));
                    }
                }
            }
        }
    }

    /** Sees gradients, those with respect to the last source of a site among them. */
    private final class ReadingGradients implements Probe {
        private final Held values;
        private final int firstSequence;
        private final Probe reader;

        ReadingGradients(Held values, int firstSequence, Probe reader) {
            this.values = values;
            this.firstSequence = firstSequence;
            this.reader = reader;
        }

        @Override
        public boolean wants(HookPoint point) {
            return reader.wants(point)
                    || sites.stream().anyMatch(site -> site.sources().getLast().equals(point));
        }

        @Override
        public void at(HookPoint point, Activation gradient) {
            if (reader.wants(point)) {
                reader.at(point, gradient);
            }
            for (DerivedSite site : sites) {
                if (site.sources().getLast().equals(point)) {
                    for (int s = 0; s < gradient.sequences(); s++) {
                        float[] of = values.chosen(gradient, s);
                        listener.derived(site, firstSequence + s, site.gradients(values.ofSources(site, s), of));
                    }
                }
            }
        }
    }
}
