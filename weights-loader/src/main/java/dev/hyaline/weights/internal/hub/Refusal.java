package dev.hyaline.weights.internal.hub;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubSettings;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * The meaning of a status other than success. The header {@code X-Error-Code} is more precise than the status: the hub
 * also answers 401 if the repository does not exist.
 */
final class Refusal {
    private final HubSettings settings;
    private final Answer answer;
    private final String repository;
    private final String what;

    /** @param what the thing requested, as named in errors */
    Refusal(HubSettings settings, Answer answer, String repository, String what) {
        this.settings = settings;
        this.answer = answer;
        this.repository = repository;
        this.what = what;
    }

    /** Throws a temporary failure, or returns a permanent one. */
    HubException raise() throws TryAgain {
        int status = answer.status();
        String host = answer.uri().getHost();
        boolean fromStore = !host.equalsIgnoreCase(settings.endpoint().getHost());
        if (status == 429) {
            String why = host + " answered 429 (too many requests)";
            throw retryAfter().map(wait -> TryAgain.after(wait, why)).orElseGet(() -> TryAgain.later(why));
        }
        if (status == 408 || status >= 500 || (fromStore && status == 403)) {
            // A file store's 403 is an expired signature: the hub gives a new one.
            throw TryAgain.later(host + " answered " + status);
        }
        String problem = "cannot fetch " + what + ": " + host + " answered " + status;
        return switch (answer.header("X-Error-Code").orElse("")) {
            case "GatedRepo" ->
                new HubException(
                        Reason.NOT_ALLOWED,
                        problem + ", as the model is gated: accept its conditions at " + page() + " and set HF_TOKEN");
            case "RevisionNotFound" -> new HubException(Reason.NOT_FOUND, problem + ", as there is no such revision");
            case "EntryNotFound" -> new HubException(Reason.NOT_FOUND, problem + ", as there is no such file");
            case "RepoNotFound" -> noRepository(problem);
            default -> byStatus(problem);
        };
    }

    private HubException byStatus(String problem) {
        return switch (answer.status()) {
            case 401 -> noRepository(problem);
            case 403 ->
                new HubException(
                        Reason.NOT_ALLOWED,
                        problem + " (forbidden): see " + page()
                                + (settings.token() != null
                                        ? "; the token in use may not read it"
                                        : ", and set HF_TOKEN if you may read it"));
            case 404 -> new HubException(Reason.NOT_FOUND, problem + " (not found): check the name");
            case 407 ->
                new HubException(
                        Reason.SETTING,
                        problem
                                + ": the proxy wants a user and a password, as"
                                + " https_proxy=http://USER:PASSWORD@HOST:PORT"
                                + " (and Java, for https, -Djdk.http.auth.tunneling.disabledSchemes=)");
            default ->
                new HubException(
                        Reason.BROKEN_ANSWER,
                        problem
                                + answer.header("X-Error-Message")
                                        .map(text -> " (" + Printable.plain(text) + ")")
                                        .orElse("")
                                + ", which a hub does not; check HF_ENDPOINT and the proxy");
        };
    }

    private HubException noRepository(String problem) {
        return new HubException(
                settings.token() != null || answer.status() == 404 ? Reason.NOT_FOUND : Reason.NOT_ALLOWED,
                problem + ": there is no such repository, or it is private"
                        + (settings.token() != null
                                ? " and the token in use may not read it, or is not valid"
                                : " and needs HF_TOKEN"));
    }

    private String page() {
        return settings.endpoint() + "/" + repository;
    }

    /** The wait that the server asks for, in seconds or as a date; empty if there is neither. */
    private Optional<Duration> retryAfter() {
        return answer.header("Retry-After")
                .flatMap(text -> {
                    try {
                        return Optional.of(
                                text.matches("\\d{1,9}")
                                        ? Duration.ofSeconds(Long.parseLong(text))
                                        : Duration.between(
                                                Instant.now(),
                                                ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                                                        .toInstant()));
                    } catch (DateTimeParseException e) {
                        return Optional.empty();
                    }
                })
                .map(wait -> wait.isNegative() ? Duration.ZERO : wait);
    }
}
