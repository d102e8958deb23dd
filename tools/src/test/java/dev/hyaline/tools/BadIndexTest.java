package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.SummaryStatistics;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.RandomTokens;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.train.Recipe;
import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.analysis.sparse.train.StoreData;
import dev.hyaline.analysis.sparse.train.TrainedActivation;
import dev.hyaline.analysis.sparse.train.Training;
import dev.hyaline.analysis.statistics.Ratio;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.power.Spending;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.Decoder;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.dump.TokenFilter;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.instrument.hook.ActivationView;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.instrument.training.TrainingOptions;
import dev.hyaline.instrument.weights.ModelWeights;
import dev.hyaline.weights.Checkpoint;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every public method of the libraries that takes a number is called with numbers that are no index of anything, on
 * instances that small runs lead to: it answers, or tells of it by the library's own exception.
 */
final class BadIndexTest {
    /** What runs the model as often as there are edges, whatever the number. */
    private static final Set<String> RUNS = Set.of("CircuitEvaluation.worst(CircuitExperiment, Circuit, int)");

    private static final int[] BAD = {-1, 5, 10_000_000, Integer.MAX_VALUE, Integer.MIN_VALUE};

    /** What is no number of anything in any memory. */
    private static final int[] NO_COUNTS = {-1, Integer.MAX_VALUE, Integer.MIN_VALUE};

    private static final Set<Class<?>> NUMBERS = Set.of(int.class, long.class, int[].class, long[].class);

    /** What a call may allocate: no bad number is taken for the length of an array. */
    private static final long MAX_BYTES = 64 << 20;

    /** What makes as many as it is told where there is memory for them. */
    private static final Set<String> COUNTS = Set.of(
            "Axis.heads(int)",
            "Axis.indices(String, int)",
            "Axis.layers(int)",
            "CounterRandom.permutation(int)",
            "Units.each(int)");

    /** Instances of one class that differ in nothing that matters here. */
    private static final int MAX_PER_TYPE = 3;

    @TempDir
    private Path folder;

    private final Set<Class<?>> exported = new HashSet<>();
    private final Map<Class<?>, List<Object>> instances = new HashMap<>();
    private final Deque<Object> found = new ArrayDeque<>();

    @Test
    void isTheLibrarysException() throws IllegalAccessException {
        LibraryModule.all().forEach(module -> exported.addAll(module.exportedTypes()));
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.SMALL, 1), 1)) {
            Prompts prompts = Prompts.of(model.config(), new int[] {1, 2, 3, 4}, new int[] {5, 6})
                    .role("subject", 1, 0);
            ActivationCache cache = ActivationCache.record(
                    model,
                    prompts,
                    Capture.of(
                            model.config(),
                            "embed",
                            "pos_embed",
                            "attn_out",
                            "mlp_out",
                            "resid_*",
                            "z",
                            "pattern",
                            "scale",
                            "post"));
            BaseRun run = BaseRun.record(model, prompts);
            Interventions edit = Interventions.of(Intervention.zero(Target.of(Site.Z, 1)));
            offer(model.config());
            offer(prompts);
            offer(cache);
            offer(cache.source());
            offer(cache.get(HookPoint.of(Site.PATTERN, 1), 0));
            offer(run);
            offer(edit);
            offer(run.rerun(List.of(new SequenceEdit(0, edit))));
            offer(run.rerun(List.of(new SequenceEdit(0, edit)))
                    .logits(LogitSelection.all())
                    .results());
            offer(Direction.of(1, 2, 3));
            offer(ModelWeights.of(model.weights()));
            offer(LogitSelection.all());
            KvCache past = model.newCache();
            Sequence sequence = Sequence.append(past, 1, 2, 3);
            offer(model.forward(ForwardRequest.of(sequence)));
            offer(sequence);
            offer(past);
            offer(cache.logitAttrs(cache.decomposeResid(), 3));
            offer(PromptPairs.of(model.config(), List.of(pair())));
            offer(pair());
            offer(new Axis("layer", List.of("0", "1")));
            offer(new Logits(new int[] {0, 2}, new float[2 * model.config().dVocab()]));
            Capture gradients = Capture.of(model.config(), "z", "resid_post");
            Objective crossEntropy = Objective.crossEntropy(prompts);
            offer(crossEntropy);
            offer(Gradients.of(model, prompts, crossEntropy, gradients));
            Circuit circuit = Circuit.full(model.config());
            offer(circuit);
            int edges = circuit.size();
            offer(EdgeScores.ofPairs(model.config(), "test", new double[][] {new double[edges], new double[edges]}));
            offer(Latents.of(new float[] {0, 1, 0, 2}, 2));
            offer(SparseAutoencoder.of(
                    SaeConfig.of(2, 3, new LatentActivation.Relu()),
                    SaeParameters.of(new float[6], new float[3], new float[6], new float[2]),
                    SaeMetadata.unknown()));
            offer(Units.of(List.of("a", "b", "a")));
            offer(CounterRandom.of(1));
            offerStudies(model, prompts);
            offerTraining(model);
            try (Checkpoint fable = Checkpoint.builtIn("fable");
                    ActivationStore store = store(model)) {
                offer(fable.tokenizer());
                offer(store);
                offer(store.source());
                offer(StoreData.of(store, HookPoint.of(Site.Z, 1), Set.of(), 1));
                offer(store.inOrder());
                explore();
                assertThat(instances).hasSizeGreaterThan(20);
                Set<String> raw = raw();
                live(model, prompts, raw);
                assertThat(raw).isEmpty();
            }
        }
    }

    private void offerStudies(Gpt2 model, Prompts prompts) {
        PromptPairs pairs = PromptPairs.of(model.config(), List.of(pair(), pair()));
        Metric metric = Metric.logitDifference();
        Experiment experiment = Experiment.start(model, pairs, metric);
        Sweep sweep = AblationSweep.of(model.config(), Ablation.zero(), Site.Z, AblationSweep.Along.everyHead());
        SweepResult result = experiment.sweep(sweep);
        offer(metric);
        offer(sweep);
        offer(experiment);
        offer(result);
        offer(result.table().statistics());
        CircuitExperiment circuits = CircuitExperiment.of(experiment, Ablation.zero());
        offer(circuits);
        offer(PathPatching.edges(
                model.config(),
                PatchingDirection.DENOISING,
                circuits.full().edges().subList(0, 3)));
        offer(CircuitEvaluation.measure(circuits, circuits.full()));
        offer(LogitLens.of(model));
        MetricObjective objective = MetricObjective.of(model, pairs, Side.CLEAN, metric);
        offer(objective);
        offer(GradientPass.of(model, prompts, objective));
        PromptEncoder encoder = new PromptEncoder(text -> new int[] {1}, List.of(0), 7);
        offer(encoder);
        offer(RandomTokens.ofVocabulary(encoder));
        offer(new SummaryStatistics());
        offer(Ratio.of(new double[] {1, 2, 3}, new double[3], new double[] {1, 1, 2}, Units.each(3)));
        offer(ModelWeights.of(model.weights()).ov(1, 0));
        Reading reading = new Reading(
                pair(),
                new int[] {0, 2},
                new Logits(new int[] {0, 2}, new float[2]),
                new Logits(new int[] {0, 2}, new float[2]));
        offer(reading);
        for (Enum<?> value : new Enum<?>[] {Task.IOI_ABBA, CircuitSelection.TOP, Spending.POCOCK, ElementType.F32}) {
            offer(value);
        }
    }

    private void offerTraining(Gpt2 model) {
        offer(model);
        offer(model.weights());
        offer(Generator.of(model));
        offer(Decoder.of(model, List.of(model.newCache())));
        offer(Sampling.greedy());
        offer(TrainingOptions.of(10));
        offer(TokenFilter.all());
        offer(CorpusDump.of(model.config(), HookPoints.select(model.config(), "z")));
        Schedule schedule = Schedule.constant(0.1);
        Recipe recipe = Recipe.of(new TrainedActivation.TrainedTopK(3, true, false));
        offer(schedule);
        offer(recipe);
        offer(Training.of(4, recipe, schedule, 10, 2));
    }

    private static PromptPair pair() {
        int[] answer = {5};
        int[] distractor = {6};
        return new PromptPair(
                "pair", new int[] {1, 2, 3}, new int[] {1, 4, 3}, answer, distractor, Map.of("subject", 1));
    }

    private ActivationStore store(Gpt2 model) {
        CorpusDump dump = CorpusDump.of(model.config(), HookPoints.select(model.config(), "z"));
        Corpus corpus =
                Corpus.of(List.of(new Document("one", new int[] {1, 2, 3}), new Document("two", new int[] {4})));
        try (DumpFolder out = DumpFolder.open(folder.resolve("store"), DumpFolder.IfExists.REFUSE)) {
            Provenance provenance = new Provenance("test", List.of(), "m", List.of(), null, token -> "");
            dump.write(model, corpus, dump.forecast(corpus, tokens -> {}), out, provenance, CorpusListener.NONE);
        }
        return ActivationStore.open(folder.resolve("store"));
    }

    private void offer(Object value) {
        switch (value) {
            case null -> {}
            case Optional<?> optional -> optional.ifPresent(this::offer);
            case Collection<?> list -> list.stream().limit(MAX_PER_TYPE).forEach(this::offer);
            case Map<?, ?> map -> offer(map.values());
            default -> {
                List<Object> known = instances.computeIfAbsent(value.getClass(), type -> new ArrayList<>());
                if (seenAs(value.getClass()).findAny().isPresent() && known.size() < MAX_PER_TYPE) {
                    known.add(value);
                    found.add(value);
                }
            }
        }
    }

    private Stream<Class<?>> seenAs(Class<?> type) {
        List<Class<?>> all = new ArrayList<>();
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            all.add(c);
            all.addAll(Arrays.asList(c.getInterfaces()));
        }
        return all.stream().filter(exported::contains);
    }

    /** Calls what takes nothing for more instances. */
    private void explore() throws IllegalAccessException {
        while (!found.isEmpty()) {
            Object instance = found.remove();
            for (Method method : methods(instance)) {
                if (method.getParameterCount() > 0 || method.getName().equals("weights")) {
                    continue; // Weights are large, and their numbers are for kernels.
                }
                try {
                    offer(method.invoke(instance));
                } catch (InvocationTargetException e) {
                    // What it needs is not what there is.
                }
            }
        }
    }

    private List<Method> methods(Object instance) {
        return seenAs(instance.getClass())
                .flatMap(type -> Arrays.stream(type.getMethods()))
                .filter(method -> exported.contains(method.getDeclaringClass()))
                .filter(method -> !Modifier.isStatic(method.getModifiers()))
                .filter(method -> !method.getName().equals("close"))
                .distinct()
                .sorted(Comparator.comparing(Method::toString))
                .toList();
    }

    /** What a method can be called with, every number the same. */
    private Optional<Object[]> arguments(Executable method, int number) {
        Object[] arguments = new Object[method.getParameterCount()];
        for (int i = 0; i < arguments.length; i++) {
            Class<?> type = method.getParameterTypes()[i];
            Object argument = argument(type, number);
            if (argument == null) {
                return Optional.empty();
            }
            arguments[i] = argument;
        }
        return Optional.of(arguments);
    }

    private Object argument(Class<?> type, int number) {
        if (type == int.class) {
            return number;
        }
        if (type == long.class) {
            return (long) number;
        }
        if (type == int[].class) {
            return new int[] {number};
        }
        if (type == long[].class) {
            return new long[] {number};
        }
        if (type == double.class || type == float.class) {
            return type == double.class ? (Object) (double) number : (Object) (float) number;
        }
        if (type == boolean.class) {
            return true;
        }
        if (type == double[].class) {
            return new double[] {number, 1, 2};
        }
        if (type == List.class) {
            return List.of();
        }
        if (type == Set.class) {
            return Set.of();
        }
        if (type == Map.class) {
            return Map.of();
        }
        if (type == Optional.class) {
            return Optional.empty();
        }
        if (type == OptionalDouble.class) {
            return OptionalDouble.empty();
        }
        if (type == OptionalLong.class) {
            return OptionalLong.of(number);
        }
        if (type == SplittableRandom.class) {
            return new SplittableRandom(1);
        }
        if (type == Intervention[].class) {
            return new Intervention[0];
        }
        if (type == Integer.class) {
            return number;
        }
        if (type == IntToDoubleFunction.class) {
            return (IntToDoubleFunction) set -> set;
        }
        if (type == ToDoubleFunction.class) {
            return (ToDoubleFunction<double[]>) values -> values.length;
        }
        if (type == Path.class) {
            return folder.resolve("none");
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[0];
        }
        if (type == float[].class) {
            return new float[2048];
        }
        if (type == String.class) {
            return "z1";
        }
        if (type == HookPoint.class) {
            return HookPoint.of(Site.Z, 1);
        }
        return instances.entrySet().stream()
                .filter(entry -> type != Object.class
                        && type.isAssignableFrom(entry.getKey())
                        && !entry.getValue().isEmpty())
                .min(Comparator.comparing(entry -> entry.getKey().getName()))
                .map(entry -> entry.getValue().getFirst())
                .orElse(null);
    }

    private Set<String> raw() {
        Set<String> raw = new TreeSet<>();
        instances.values().stream()
                .flatMap(List::stream)
                .forEach(instance -> methods(instance).forEach(method -> call(method, instance, raw)));
        for (Class<?> type : exported) {
            Stream.concat(
                            Arrays.stream(type.getMethods()).filter(method -> Modifier.isStatic(method.getModifiers())),
                            Arrays.stream(type.isInterface() ? new Constructor<?>[0] : type.getConstructors()))
                    .forEach(method -> call(method, null, raw));
        }
        return raw;
    }

    /** What exists only while a pass runs. */
    private void live(Gpt2 model, Prompts prompts, Set<String> raw) {
        Consumer<ActivationView> calls = view -> {
            callAll(view, raw);
            callAll(view.rows().getFirst(), raw);
        };
        Hooks.of(
                        Hook.reading("blocks.1.attn.hook_z", calls),
                        Hook.reading("blocks.1.attn.hook_pattern", calls),
                        Hook.reading("blocks.1.hook_resid_post", calls))
                .forward(model, prompts, LogitSelection.last());
        HookPoint z = HookPoint.of(Site.Z, 1);
        model.forward(ForwardRequest.of(Sequence.of(1, 2, 3)).probe(new Probe() {
            @Override
            public boolean wants(HookPoint point) {
                return point.equals(z);
            }

            @Override
            public void at(HookPoint point, Activation activation) {
                callAll(activation, raw);
            }
        }));
    }

    private void callAll(Object instance, Set<String> raw) {
        methods(instance).forEach(method -> call(method, instance, raw));
    }

    private void call(Executable method, @Nullable Object instance, Set<String> raw) {
        if (Arrays.stream(method.getParameterTypes()).noneMatch(NUMBERS::contains)) {
            return;
        }
        for (int bad : COUNTS.contains(name(method)) ? NO_COUNTS : BAD) {
            arguments(method, bad)
                    .flatMap(arguments -> failure(method, instance, arguments))
                    .ifPresent(failure -> raw.add(name(method) + ": " + failure));
        }
    }

    private static String name(Executable method) {
        return Arrays.stream(method.getParameterTypes())
                .map(Class::getSimpleName)
                .collect(Collectors.joining(
                        ", ", method.getDeclaringClass().getSimpleName() + "." + method.getName() + "(", ")"));
    }

    /** What a call fails with that is not the library's exception, or that it allocates too much. */
    private static Optional<String> failure(Executable method, Object instance, Object[] arguments) {
        long before = allocated();
        try {
            if (method instanceof Constructor<?> constructor) {
                constructor.newInstance(arguments);
            } else {
                ((Method) method).invoke(instance, arguments);
            }
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof HyalineException)) {
                return Optional.of(e.getCause().getClass().getSimpleName());
            }
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the public surface cannot be called", e);
        }
        long bytes = allocated() - before;
        return bytes < MAX_BYTES || RUNS.contains(name(method)) ? Optional.empty() : Optional.of(bytes + " bytes");
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
