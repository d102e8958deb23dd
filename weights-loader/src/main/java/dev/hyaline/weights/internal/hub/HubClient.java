package dev.hyaline.weights.internal.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.HubSettings;
import java.net.URI;
import java.net.URLEncoder;
import java.util.Map;
import java.util.OptionalLong;

/** A client of the hub with its three requests. */
final class HubClient implements AutoCloseable {
    private static final int LISTING_LIMIT = 1 << 24;
    private static final String COMMIT = "X-Repo-Commit";
    private static final String LINKED_ETAG = "X-Linked-Etag";

    private final HubSettings settings;
    private final HubListener listener;
    private final Wire wire;

    HubClient(HubSettings settings, HubListener listener) {
        this.settings = settings;
        this.listener = listener;
        this.wire = new Wire(settings);
    }

    Patience patience(Object what) {
        return new Patience(settings, listener, what.toString());
    }

    /** Asks for the commit of a revision and its files. */
    Listing listing(HubName name) {
        URI uri = URI.create(settings.endpoint() + "/api/models/" + name.repository() + "/revision/"
                + URLEncoder.encode(name.revision(), UTF_8));
        return patience(name).insist(() -> {
            try (Answer answer = wire.send("GET", uri, Map.of(), redirect -> false)) {
                requireOk(answer, name.repository(), name.toString());
                return Listing.read(uri.toString(), answer.readAll(LISTING_LIMIT));
            }
        });
    }

    /** Asks for the size and checksum of a file. */
    RemoteFile describe(String repository, String commit, String file) {
        String what = file + " of " + repository;
        return patience(what).insist(() -> {
            // The file store, to which large files are redirected, knows neither commit nor checksum.
            try (Answer answer = wire.send("HEAD", address(repository, commit, file), Map.of(), HubClient::isLinked)) {
                if (!isLinked(answer)) {
                    requireOk(answer, repository, what);
                }
                return announced(answer, repository, commit, file);
            }
        });
    }

    private static boolean isLinked(Answer answer) {
        return answer.isRedirect()
                && answer.header(LINKED_ETAG).isPresent()
                && answer.header("X-Linked-Size").isPresent();
    }

    private RemoteFile announced(Answer answer, String repository, String commit, String file) {
        String found = answer.header(COMMIT)
                .orElseThrow(() -> broken(file, repository, "does not say of which commit (" + COMMIT + ")"));
        if (!found.equals(commit)) {
            throw broken(file, repository, "is of another commit than the " + commit + " that was asked for");
        }
        Checksum checksum = answer.header(LINKED_ETAG)
                .or(() -> answer.header("ETag"))
                .flatMap(Checksum::ofEtag)
                .orElseThrow(() -> broken(file, repository, "has no checksum in its ETag, so it could not be checked"));
        OptionalLong linked = answer.count("X-Linked-Size");
        OptionalLong size = linked.isPresent() ? linked : answer.count("Content-Length");
        return new RemoteFile(
                repository,
                commit,
                file,
                size.orElseThrow(() -> broken(file, repository, "comes without its size")),
                checksum);
    }

    private HubException broken(String file, String repository, String problem) {
        return new HubException(
                Reason.BROKEN_ANSWER,
                file + " of " + repository + " as announced by " + settings.endpoint() + " " + problem
                        + "; check HF_ENDPOINT and the proxy");
    }

    /**
     * Begins to fetch a file; the caller closes the answer, whose status is 200 or, if only a part was requested, 206
     * or 416.
     *
     * @param from the first byte wanted
     */
    Answer open(RemoteFile file, long from) throws TryAgain {
        Map<String, String> headers = from == 0 ? Map.of() : Map.of("Range", "bytes=" + from + "-");
        Answer answer =
                wire.send("GET", address(file.repository(), file.commit(), file.name()), headers, redirect -> false);
        int status = answer.status();
        if (status != 200 && (from == 0 || (status != 206 && status != 416))) {
            try (answer) {
                throw new Refusal(settings, answer, file.repository(), file.toString()).raise();
            }
        }
        return answer;
    }

    private URI address(String repository, String commit, String file) {
        return URI.create(settings.endpoint() + "/" + repository + "/resolve/" + commit + "/" + file);
    }

    private void requireOk(Answer answer, String repository, String what) throws TryAgain {
        if (answer.status() != 200) {
            throw new Refusal(settings, answer, repository, what).raise();
        }
    }

    @Override
    public void close() {
        wire.close();
    }
}
