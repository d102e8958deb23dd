package dev.hyaline.instrument.run;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.internal.edit.DeclaredEdits;
import dev.hyaline.instrument.internal.edit.LiveSlots;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Applies interventions in the passes it is given to, then shows what they left to a reader. For one thread at a time.
 */
public final class InterventionProbe implements Probe {
    /** An edit, and the index of its sequence in the pass. */
    private record Action(int index, BoundEdit edit) {}

    private final Map<HookPoint, List<Action>> actions;
    private final Probe reader;
    private final Set<BoundEdit> waiting;
    private final boolean measuresStrengths;
    private final Map<Action, List<double[]>> gains = new HashMap<>();
    private final Map<Action, Double> strengths = new LinkedHashMap<>();

    private InterventionProbe(Map<HookPoint, List<Action>> actions, Probe reader, boolean measuresStrengths) {
        this.actions = actions;
        this.reader = reader;
        this.measuresStrengths = measuresStrengths;
        this.waiting = actions.values().stream()
                .flatMap(List::stream)
                .map(Action::edit)
                .collect(Collectors.toSet());
    }

    /**
     * Returns a probe that applies interventions in a pass whose sequences are the prompts, in their order.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public static InterventionProbe of(Interventions interventions, Gpt2Config config, Prompts prompts) {
        BoundEdits.requireSequences(interventions, prompts.size());
        return of(interventions, config, prompts, 0, prompts.size());
    }

    /**
     * As {@link #of(Interventions, Gpt2Config, Prompts)}, of a pass over some of the prompts.
     *
     * @param first index of the pass's first prompt
     * @param end index after its last
     */
    public static InterventionProbe of(
            Interventions interventions, Gpt2Config config, Prompts prompts, int first, int end) {
        return of(interventions, config, prompts, IntStream.range(first, end).toArray());
    }

    /**
     * As {@link #of(Interventions, Gpt2Config, Prompts)}, of a pass over some of the prompts in any order.
     *
     * @param sequences indices of the pass's prompts
     */
    public static InterventionProbe of(
            Interventions interventions, Gpt2Config config, Prompts prompts, int[] sequences) {
        Builder probe = builder();
        for (int i = 0; i < sequences.length; i++) {
            int length = prompts.length(sequences[i]);
            probe.add(i, BoundEdits.bind(interventions, config, prompts.size(), sequences[i], length, length));
        }
        return probe.build();
    }

    static Builder builder() {
        return new Builder();
    }

    static final class Builder {
        private final Map<HookPoint, List<Action>> actions = new TreeMap<>();

        /**
         * Adds edits.
         *
         * @param index of their sequence in the pass
         */
        Builder add(int index, List<BoundEdit> edits) {
            for (BoundEdit edit : edits) {
                actions.computeIfAbsent(edit.point(), point -> new ArrayList<>())
                        .add(new Action(index, edit));
            }
            return this;
        }

        InterventionProbe build() {
            return new InterventionProbe(actions, Probe.NONE, false);
        }
    }

    /** The same interventions, followed at each point by a reader. */
    public InterventionProbe then(Probe reader) {
        return new InterventionProbe(actions, reader, measuresStrengths);
    }

    /** The same, which keeps what a backward pass needs to tell {@link #strengths}. */
    public InterventionProbe measuringStrengths() {
        return new InterventionProbe(actions, reader, true);
    }

    /**
     * One who is told derivatives with respect to the strengths of interventions: the coefficient of an added vector, a
     * factor, the deviation of noise.
     */
    @FunctionalInterface
    public interface StrengthReader {
        /**
         * Called for every intervention of that kind and sequence.
         *
         * @param sequence index in the pass
         */
        void strength(Intervention intervention, int sequence, double derivative);
    }

    /** Tells the derivatives after a backward pass, in a probe that was {@link #measuringStrengths}. */
    public void strengths(StrengthReader strengthReader) {
        Map<Action, Double> sums = new LinkedHashMap<>();
        strengths.forEach((action, derivative) -> {
            Action first = sums.keySet().stream()
                    .filter(known -> known.index == action.index
                            && known.edit.intervention().equals(action.edit.intervention()))
                    .findFirst()
                    .orElse(action);
            sums.merge(first, derivative, Double::sum);
        });
        sums.forEach(
                (action, derivative) -> strengthReader.strength(action.edit.intervention(), action.index, derivative));
    }

    @Override
    public boolean wants(HookPoint point) {
        return actions.containsKey(point) || reader.wants(point);
    }

    @Override
    public boolean reads(HookPoint point, int sequence, int position) {
        return actions.getOrDefault(point, List.of()).stream().anyMatch(action -> action.index == sequence)
                || (reader.wants(point) && reader.reads(point, sequence, position));
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        for (Action action : actions.getOrDefault(point, List.of())) {
            if (measuresStrengths) {
                List<double[]> gain = action.edit.gains(new LiveSlots(point, activation, action.index));
                if (gain != null) {
                    gains.put(action, gain);
                }
            }
            if (action.edit.apply(new LiveSlots(point, activation, action.index))) {
                waiting.remove(action.edit);
            }
        }
        if (reader.wants(point)) {
            reader.at(point, activation);
        }
    }

    @Override
    public boolean pullBack(HookPoint point, Activation gradient) {
        List<Action> here = actions.getOrDefault(point, List.of());
        if (here.isEmpty()) {
            return reader.pullBack(point, gradient);
        }
        for (Action action : here.reversed()) {
            List<double[]> gain = gains.get(action);
            if (gain != null) {
                strengths.put(action, action.edit.strengthGradient(new LiveSlots(point, gradient, action.index), gain));
            }
            if (!action.edit.pullBack(new LiveSlots(point, gradient, action.index))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Optional<Declaration> declared(HookPoint point, Activation rows) {
        List<Action> here = actions.getOrDefault(point, List.of());
        if (here.stream().anyMatch(action -> !DeclaredEdits.isDeclarable(action.edit))) {
            return Optional.empty();
        }
        List<DeclaredEdit> edits = new ArrayList<>();
        for (Action action : here) {
            LiveSlots slots = new LiveSlots(point, rows, action.index);
            DeclaredEdits.of(action.edit, slots, action.index).ifPresent(edit -> {
                edits.add(edit);
                waiting.remove(action.edit);
            });
        }
        return Optional.of(new Declaration(edits, reader));
    }

    /**
     * Checks, after the last pass, that every intervention acted.
     *
     * @throws HyalineException if an intervention never acted
     */
    public void requireAllFired() {
        if (!waiting.isEmpty()) {
            throw new HyalineException("these never acted: "
                    + waiting.stream()
                            .map(edit -> edit.intervention().label() + " at " + edit.point() + " of sequence "
                                    + edit.sequence())
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
    }
}
