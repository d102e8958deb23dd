package dev.hyaline.explorer.live;

import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.files.JsonText;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a page may ask for:
 *
 * <ul>
 *   <li>{@code GET model}: the model, the first prompt and the views there are;
 *   <li>{@code POST view}: a view, as the bytes of {@link ViewData};
 *   <li>{@code POST sweep}: the same for what takes long; answers at once with the id of a job;
 *   <li>{@code GET jobs/ID/events}: lines of JSON that say how far the job is, to its end; the job is cancelled when
 *       this answer can no longer be sent;
 *   <li>{@code GET jobs/ID}: the view that a job made;
 *   <li>{@code DELETE jobs/ID}: cancels a job;
 *   <li>{@code GET presence}: a body that does not end. When it can no longer be sent, the page that its header
 *       {@code X-Hyaline-Page} names is gone, and its runs are cancelled.
 * </ul>
 */
final class ExplorerApi implements AutoCloseable {
    static final String PREFIX = "/api/1/";
    static final String PAGE_HEADER = "X-Hyaline-Page";

    private static final long BEAT_MILLISECONDS = 300;
    private static final Pattern JOB = Pattern.compile("jobs/(\\d{1,18})(/events)?");
    private static final Pattern PAGE = Pattern.compile("[0-9a-f]{1,32}");
    private static final String LINES = "application/x-ndjson";

    private final LiveModel model;
    private final RunQueue queue = new RunQueue();

    ExplorerApi(ExploredModel model, String prompt) {
        this.model = new LiveModel(model, prompt);
    }

    /** Makes the first views before they are asked for. */
    void prepare() {
        try {
            queue.submit("", progress -> {
                LiveViews.prepare(model, progress);
                return new byte[0];
            });
        } catch (QueueFullException e) {
            // The queue is full: the views are made when a page asks for them.
        }
    }

    /** Answers a request that the guard let through. */
    void answer(HttpExchange exchange, RequestBody body, Answer answer) throws IOException {
        try {
            route(exchange, body, answer);
        } catch (QueueFullException e) {
            answer.fail(429, String.valueOf(e.getMessage()));
        } catch (RunCancelledException e) {
            answer.fail(409, String.valueOf(e.getMessage()));
        } catch (BadInputException e) {
            answer.fail(400, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            fail(answer, Objects.requireNonNullElse(e.getCause(), e));
        }
    }

    private static void fail(Answer answer, Throwable failure) throws IOException {
        switch (failure) {
            case HyalineException told -> answer.fail(400, String.valueOf(told.getMessage()));
            case OutOfMemoryError memory ->
                answer.fail(503, "not enough memory for this run; ask for less, or give Java more with -Xmx");
            default -> answer.fail(500, "unexpected failure: " + failure);
        }
    }

    private void route(HttpExchange exchange, RequestBody body, Answer answer)
            throws IOException, InterruptedException, QueueFullException, ExecutionException {
        String method = exchange.getRequestMethod();
        String path = exchange.getRequestURI().getRawPath();
        if (!path.startsWith(PREFIX)) {
            answer.refuse(404, "there is no such address; this server's API is " + PREFIX);
            return;
        }
        String name = path.substring(PREFIX.length());
        Matcher job = JOB.matcher(name);
        if (job.matches()) {
            job(method, job, answer);
            return;
        }
        switch (name) {
            case "model" -> {
                if (isAllowed(method, "GET", answer)) {
                    answer.json(200, json -> model.write(json, LiveViews.names(model.explored())));
                }
            }
            case "presence" -> {
                if (isAllowed(method, "GET", answer)) {
                    presence(page(exchange), answer);
                }
            }
            case "view" -> {
                if (isAllowed(method, "POST", answer)) {
                    view(exchange, body, answer);
                }
            }
            case "sweep" -> {
                if (isAllowed(method, "POST", answer)) {
                    sweep(exchange, body, answer);
                }
            }
            default -> answer.refuse(404, "there is no such address in " + PREFIX);
        }
    }

    private static boolean isAllowed(String method, String wanted, Answer answer) throws IOException {
        if (method.equals(wanted)) {
            return true;
        }
        answer.allow(wanted);
        return false;
    }

    private static String page(HttpExchange exchange) {
        List<String> pages = exchange.getRequestHeaders().getOrDefault(PAGE_HEADER, List.of());
        if (pages.isEmpty()) {
            return "";
        }
        if (pages.size() > 1 || !PAGE.matcher(pages.getFirst()).matches()) {
            throw new BadInputException(PAGE_HEADER + " names a page by up to 32 hexadecimal digits");
        }
        return pages.getFirst();
    }

    private void view(HttpExchange exchange, RequestBody body, Answer answer)
            throws IOException, InterruptedException, QueueFullException, ExecutionException {
        Run run = submit(exchange, body, answer);
        if (run == null) {
            return;
        }
        try {
            answer.send(200, ViewData.MEDIA_TYPE, run.result());
        } finally {
            queue.forget(run);
        }
    }

    private void sweep(HttpExchange exchange, RequestBody body, Answer answer) throws IOException, QueueFullException {
        Run run = submit(exchange, body, answer);
        if (run != null) {
            answer.json(202, json -> json.writeStringProperty("job", run.id()));
        }
    }

    /** Puts what a request asks for into the queue; null if the request was refused. */
    private @Nullable Run submit(HttpExchange exchange, RequestBody body, Answer answer)
            throws IOException, QueueFullException {
        String page = page(exchange);
        byte[] json = read(exchange, body, answer);
        if (json == null) {
            return null;
        }
        ViewRequest request = ViewRequest.parse(json);
        LiveView view = LiveViews.named(request.view(), model.explored());
        request.requireOptions(view.options());
        return queue.submit(page, progress -> {
            ViewData data = view.data(model, request, progress);
            progress.requireWanted();
            return data.body();
        });
    }

    /** Reads a body of at most 1 MB; null if the request was refused. */
    private static byte @Nullable [] read(HttpExchange exchange, RequestBody body, Answer answer) throws IOException {
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        if (type == null || !type.split(";", 2)[0].strip().equalsIgnoreCase("application/json")) {
            answer.refuse(415, "a body is application/json");
            return null;
        }
        if (body.isTooLong()) {
            answer.refuse(413, "a body has at most " + RequestBody.MAX_BYTES + " bytes");
            return null;
        }
        byte[] read = body.read();
        if (read.length > RequestBody.MAX_BYTES) {
            answer.refuse(413, "a body has at most " + RequestBody.MAX_BYTES + " bytes");
            return null;
        }
        return read;
    }

    private void job(String method, Matcher job, Answer answer)
            throws IOException, InterruptedException, ExecutionException {
        Run run = queue.find(job.group(1));
        if (run == null) {
            answer.fail(404, "there is no job " + job.group(1));
        } else if (job.group(2) != null) {
            if (isAllowed(method, "GET", answer)) {
                events(run, answer);
            }
        } else if (method.equals("DELETE")) {
            queue.cancel(run);
            answer.json(200, json -> json.writeBooleanProperty("cancelled", true));
        } else if (isAllowed(method, "GET", answer)) {
            if (run.hasEnded()) {
                answer.send(200, ViewData.MEDIA_TYPE, run.result());
            } else {
                answer.fail(409, "the job has not ended");
            }
        }
    }

    private void events(Run run, Answer answer) throws IOException, InterruptedException {
        try (OutputStream out = answer.stream(LINES)) {
            boolean ended;
            do {
                ended = run.awaitEnd(BEAT_MILLISECONDS);
                Run.Step step = run.step();
                boolean last = ended;
                out.write(JsonText.compact(json -> {
                    json.writeStartObject();
                    json.writeNumberProperty("done", step.done());
                    json.writeNumberProperty("total", step.total());
                    json.writeBooleanProperty("ended", last);
                    json.writeEndObject();
                }));
                out.write('\n');
                out.flush();
            } while (!ended);
        } catch (IOException e) {
            queue.cancel(run); // nobody listens any more
            throw e;
        }
    }

    private void presence(String page, Answer answer) throws IOException, InterruptedException {
        byte[] beat = "\n".getBytes(StandardCharsets.US_ASCII);
        try (OutputStream out = answer.stream(LINES)) {
            while (true) {
                out.write(beat);
                out.flush();
                Thread.sleep(BEAT_MILLISECONDS);
            }
        } finally {
            if (!page.isEmpty()) {
                queue.leave(page);
            }
        }
    }

    @Override
    public void close() {
        queue.close();
    }
}
