package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
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
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.instrument.weights.ModelWeights;
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
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every public method of the libraries that takes a number is called with numbers that are no index of anything, on
 * instances that small runs lead to: it answers, or tells of it by the library's own exception.
 */
@Timeout(120)
final class BadIndexTest {
    private static final int[] BAD = {-1, 5, 1_000_000, Integer.MAX_VALUE, Integer.MIN_VALUE};

    private static final Set<Class<?>> NUMBERS = Set.of(int.class, long.class, int[].class, long[].class);

    private static final int MAX_SECONDS = 5;

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
            offer(run);
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
            try (ActivationStore store = store(model)) {
                offer(store);
                offer(store.source());
                offer(store.inOrder());
                explore();
                assertThat(instances).hasSizeGreaterThan(20);
                assertThat(raw()).isEmpty();
            }
        }
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
            Provenance provenance = new Provenance("test", List.of(), "m", List.of(), OptionalInt.empty(), token -> "");
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
    private Optional<Object[]> arguments(Method method, int number) {
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
                .forEach(instance -> methods(instance).stream()
                        .filter(method ->
                                Arrays.stream(method.getParameterTypes()).anyMatch(NUMBERS::contains))
                        .forEach(method -> {
                            for (int bad : BAD) {
                                arguments(method, bad)
                                        .flatMap(arguments -> failure(method, instance, arguments))
                                        .ifPresent(failure -> raw.add(name(method) + ": " + failure));
                            }
                        }));
        return raw;
    }

    private static String name(Method method) {
        return Arrays.stream(method.getParameterTypes())
                .map(Class::getSimpleName)
                .collect(Collectors.joining(
                        ", ", method.getDeclaringClass().getSimpleName() + "." + method.getName() + "(", ")"));
    }

    /** What a call fails with that is not the library's exception, or that it does not return in time. */
    private static Optional<String> failure(Method method, Object instance, Object[] arguments) {
        FutureTask<Optional<String>> call = new FutureTask<>(() -> {
            try {
                method.invoke(instance, arguments);
                return Optional.empty();
            } catch (InvocationTargetException e) {
                return Optional.of(e.getCause())
                        .filter(cause -> !(cause instanceof HyalineException))
                        .map(cause -> cause.getClass().getSimpleName());
            }
        });
        Thread.ofPlatform().daemon().start(call);
        try {
            return call.get(MAX_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return Optional.of("takes more than " + MAX_SECONDS + " s");
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }
}
