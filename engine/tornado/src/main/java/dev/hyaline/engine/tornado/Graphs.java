package dev.hyaline.engine.tornado;

import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.tornado.KernelForm.Extent;
import dev.hyaline.engine.tornado.KernelForm.Task;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Every graph of operations that a pass may need, in one plan whose arrays stay on the device. The layer is data, so a
 * graph serves all layers, and what is compiled does not grow with the model; it is compiled when it first runs.
 *
 * <p>Graphs follow each other in any order: each takes the arrays over from whichever ran before.
 */
final class Graphs implements AutoCloseable {
    private final DeviceArrays arrays;
    private final TornadoExecutionPlan plan;
    private final List<KernelForm> forms;
    private final Map<Declared, Integer> indices = new HashMap<>();
    private int longest;
    private TornadoExecutionResult last;
    private long launches;
    private long executions;

    /** @param form index of the kernels' form, 0 where there is one only */
    private record Declared(List<Operation> operations, int form) {}

    /** @param forms of the kernels, that for the fewest rows first */
    Graphs(DeviceArrays arrays, TornadoDevice device, List<KernelForm> forms) {
        this.arrays = arrays;
        this.forms = forms;
        List<ImmutableTaskGraph> graphs = new ArrayList<>();
        // The first to run uploads what stays.
        graphs.add(first());
        for (List<Operation> operations : declared()) {
            longest = Math.max(longest, operations.size());
            for (int form = 0; form < forms(operations); form++) {
                indices.put(new Declared(operations, form), graphs.size());
                graphs.add(graph("g" + graphs.size(), operations, forms.get(form)));
            }
        }
        plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
        plan.withDevice(device);
        GridScheduler scheduler = new GridScheduler();
        forms.forEach(form -> form.register(scheduler));
        if (!scheduler.keySet().isEmpty()) {
            plan.withGridScheduler(scheduler);
        }
        execute(0, 0);
    }

    private int forms(List<Operation> operations) {
        return operations.stream().anyMatch(Operation::hasForms) ? forms.size() : 1;
    }

    /** Operations one by one, and every run of neighbours in a layer or in what follows them where nobody watches. */
    private static List<List<Operation>> declared() {
        List<List<Operation>> all = new ArrayList<>();
        for (Operation operation : Operation.all()) {
            all.add(List.of(operation));
        }
        for (List<Operation> chain : List.of(Operation.Step.LAYER, Operation.Step.LOGITS)) {
            for (int from = 0; from < chain.size(); from++) {
                for (int to = from + 2; to <= chain.size(); to++) {
                    all.add(chain.subList(from, to));
                }
            }
        }
        return all;
    }

    private ImmutableTaskGraph first() {
        TaskGraph graph = new TaskGraph("first");
        graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.resident());
        Tasks.touchAll(graph, arrays);
        graph.persistOnDevice(arrays.resident());
        return graph.snapshot();
    }

    private ImmutableTaskGraph graph(String name, List<Operation> operations, KernelForm form) {
        TaskGraph graph = new TaskGraph(name);
        List<Object> uploaded = new ArrayList<>(List.of(arrays.step));
        uploaded.addAll(Tasks.uploads(operations.getFirst(), arrays));
        List<Object> consumed = new ArrayList<>(List.of(arrays.resident()));
        consumed.removeAll(uploaded);
        graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, uploaded.toArray());
        graph.consumeFromDevice(consumed.toArray());
        for (int i = 0; i < operations.size(); i++) {
            Tasks.add(new Task(graph, "t" + i, arrays), operations.get(i), form);
        }
        graph.persistOnDevice(arrays.resident());
        return graph.snapshot();
    }

    /** Runs operations in order, as few graphs as there are. The step array must say what they need. */
    void run(List<Operation> operations, Extent extent) {
        int form = 0;
        while (extent.rows() > forms.get(form).mostRows()) {
            form++;
        }
        forms.get(form).grid(extent);
        int from = 0;
        while (from < operations.size()) {
            int to = Math.min(operations.size(), from + longest);
            while (!indices.containsKey(new Declared(operations.subList(from, to), 0))) {
                to--;
            }
            List<Operation> run = operations.subList(from, to);
            execute(Objects.requireNonNull(indices.get(new Declared(run, forms(run) == 1 ? 0 : form))), to - from);
            from = to;
        }
    }

    private void execute(int index, int operations) {
        try {
            last = plan.withGraph(index).execute();
        } catch (RuntimeException failure) {
            throw new BackendUnavailableException(
                    "the device failed: " + inOneLine(failure.getMessage()),
                    "what its driver printed may tell why; run on the processors instead",
                    failure);
        }
        executions++;
        launches += operations;
    }

    /** TornadoVM colours its messages and puts stack traces into them. */
    private static String inOneLine(@Nullable String message) {
        return String.valueOf(message)
                .replaceAll("\\u001B\\[[0-9;]*m", "")
                .replaceAll("(?s)Stacktrace:.*", "")
                .replaceAll("\\s+", " ")
                .strip();
    }

    /** Copies part of an array from the device to its host side. */
    void read(FloatArray array, int from, int count) {
        last.transferToHost(new DataRange(array).withOffset(from).withSize(count));
    }

    /** Operations launched so far. */
    long launches() {
        return launches;
    }

    /** Graphs run so far. */
    long executions() {
        return executions;
    }

    @Override
    public void close() {
        try {
            plan.close();
        } catch (TornadoExecutionPlanException failure) {
            throw new BackendUnavailableException(
                    "the device's memory could not be given back: " + failure.getMessage(), "end the process", failure);
        }
    }
}
