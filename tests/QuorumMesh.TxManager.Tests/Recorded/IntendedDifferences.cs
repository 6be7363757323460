namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// Where our manager answers otherwise than the recorded Tessera 21.1.1, and why. An entry is the exchange's group and id; with a status
/// behind it where ours has another one, and without where only type, text or pushes differ.
/// </summary>
internal static class IntendedDifferences
{
    private static readonly (string Reason, string Entries)[] Table =
    [
        (
            "its version: 21.1.1 has no API 4.0 and 5.0, no mandatory recipients and no form 3.0 of storeraw; ours answers as 22.1 does",
            """
            q2t/q2t-version q2t/q2t-version-distribution q2t/q2t-version-api q2t/q2t-version-api-json q2t/p2p-version
            q2t/p2p-version-distribution q2t/p2p-version-api q2t/p2p-version-api-json q2t/thirdparty-version
            q2t/thirdparty-version-distribution
            q2t/thirdparty-version-api q2t/thirdparty-version-api-json q2t/send-4.0:201 q2t/sendsignedtx-4.0:201 q2t/transaction-4.0:200
            q2t/storeraw-3.0:200 q2t/send-flag2:400 q2t/mandatory-sender:400 q2t/mandatory-recipient:400 q2t/mandatory-stranger:400
            p2p/push-flag-2:500 p2p/push-flag-2-get:404
            """),
        (
            "its version: 21.1.1 calls every mismatch of privacy flags one of private state validation",
            """
            q2t/send-affected-mismatch
            """),
        (
            "privacy groups are not offered: none can be found, and none is taken",
            """
            p2p/pushprivacygroup-garbage:404
            """),
        (
            "a method, a type or an answer's form that is not there: 405, 415, 406, where Tessera says 500 with the same text",
            """
            q2t/upcheck-post:405 q2t/upcheck-options:405 q2t/send-get:405 q2t/send-wrong-type:415 q2t/sendraw-json:415
            q2t/send-accept-image:406 q2t/transaction-image:406 q2t/receive-post:405
            """),
        (
            "a form that Tessera refuses although it could answer: ours does",
            """
            q2t/upcheck-accept-json:200 q2t/isSender-accept-json:200 q2t/participants-accept-json:200 q2t/send-2.1-accept-json:201
            q2t/send-json-accept-2.1:201 q2t/send-no-type:201 q2t/receiveraw-content-type-json:200 q2t/receiveraw-empty-to:200
            q2t/sendraw-comma-space:200 q2t/send-empty-from:201 q2t/transaction-israw-empty:200 q2t/receive-get:200
            p2p/resend-individual-accept-json:200
            """),
        (
            "words of Java's validation and JSON reader, in text or JSON; the status is the same",
            """
            q2t/send-no-payload q2t/send-empty-payload q2t/send-null-payload q2t/send-bad-base64-payload q2t/send-bad-base64-payload-2.1
            q2t/send-empty-object q2t/send-empty-object-2.1 q2t/send-array q2t/send-flag3 q2t/send-flag3-empty-exechash q2t/send-not-json
            q2t/send-not-json-2.1 q2t/send-json-cut q2t/send-json-null q2t/send-empty-body q2t/sendraw-empty-body q2t/sendraw-bad-from
            q2t/storeraw-no-payload q2t/storeraw-empty-payload q2t/storeraw-bad-base64 q2t/storeraw-object
            q2t/storeraw-not-json q2t/storeraw-empty
            q2t/storeraw-json-cut2 q2t/sendsignedtx-flag3-no-exechash q2t/sendsignedtx-octet-empty q2t/sendsignedtx-no-hash
            q2t/sendsignedtx-bad-hash q2t/sendsignedtx-json-cut q2t/transaction-israw-maybe q2t/transaction-bad-base64
            q2t/transaction-bad-base64-2.1 q2t/receiveraw-no-key q2t/receiveraw-bad-key q2t/encodedpayload-create-empty
            q2t/post-delete-empty
            p2p/resend-bad-base64 p2p/resend-not-json p2p/resendbatch-bad p2p/push-random p2p/push-json p2p/partyinfo-post-garbage
            """),
        (
            "what a caller did wrong is 400 (404 for a key that nobody has), and says what; Tessera's 500 has words of Java's",
            """
            q2t/send-affected-bad:400
            q2t/send-bad-base64-to:400 q2t/send-bad-base64-from:400 q2t/send-base64url-to:400 q2t/send-short-to:404
            q2t/send-empty-string-in-to:400 q2t/send-payload-number:400 q2t/send-flag0-exechash:400 q2t/sendraw-bad-to:400
            q2t/storeraw-json-cut:400 q2t/storeraw-bad-from:400 q2t/transaction-to-bad:400 q2t/isSender-bad:400 q2t/participants-bad:400
            q2t/encodedpayload-decrypt-empty:400 q2t/delete-bad:400 q2t/post-delete-bad:400 p2p/resend-bad-hash:400
            p2p/resend-bad-type:400
            p2p/resend-no-type:400 p2p/resend-no-public-key:400 p2p/resend-empty:400 p2p/resend-individual-no-key:400
            p2p/resendbatch-empty:400
            """),
        (
            "a flag that is a word is no flag: Tessera sends such a payload as a standard one, ours refuses it",
            """
            q2t/send-flag-word:400
            """),
        (
            "Jetty's error page where Tessera has no text; ours has one, or the cause",
            """
            q2t/api-html q2t/delete-again q2t/delete-unknown q2t/post-delete-again p2p/push-empty p2p/push-one-byte p2p/push-cut
            p2p/validate-no-uuid p2p/validate-garbage p2p/partyinfo-post-empty p2p/send-f-drop p2p/send-f-down
            p2p/sendraw-f-down p2p/send-b-down
            """),
        (
            "recipients are looked up before anything is sent, so that none of them keeps an orphan",
            """
            q2t/send-known-and-unknown
            """),
        (
            "every line of c11n-to counts: a recipient who is named is a recipient",
            """
            q2t/sendraw-repeated
            """),
        (
            "a signed transaction may be sent again: a client that saw no answer repeats it",
            """
            q2t/sendsignedtx-again:201
            """),
        (
            "recipients stand in the order of the request, in the recording in that of a Java hash set: its boxes do not fit ours",
            """
            q2t/encodedpayload-create q2t/encodedpayload-decrypt:500 q2t/encodedpayload-decrypt-six:500
            """),
        (
            "a push is opened before it is acknowledged: what no key of ours opens is not stored",
            """
            p2p/push-not-recipient:404 p2p/push-not-recipient-get:404 p2p/push-not-recipient-get-to:404 p2p/push-not-recipient-get-2.1:404
            p2p/push-not-recipient-receiveraw:404 p2p/push-not-recipient-issender:404 p2p/push-not-recipient-participants:404
            p2p/push-second-box-participants p2p/push-bad-box:500 p2p/push-bad-box-get:404 p2p/push-bad-box-get-to:404
            """),
        (
            "a challenge is a UUID as RFC 9562 has it, not all that Java takes for one",
            """
            p2p/validate-short-uuid:400
            """),
        (
            "octets are called octets; a Tessera does not look at the type",
            """
            p2p/resend-individual p2p/resend-individual-sender
            """),
        (
            "our own payload asked with our own key is answered, with our own boxes",
            """
            p2p/resend-individual-sender-own:200
            """),
        (
            "a manager that is away keeps its keys: the next send is tried again, not taken for one to a stranger",
            """
            p2p/send-f-down-again:410
            """),
        (
            "a manager that does not answer, or has given up its keys, is not passed on to others",
            """
            p2p/partyinfo-after-down p2p/partyinfo-after-no-keys
            """),
    ];

    private static readonly Dictionary<string, int?> Statuses = Table
        .SelectMany(row => row.Entries.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        .Select(entry => entry.Split(':'))
        .ToDictionary(e => e[0], e => e.Length > 1 ? int.Parse(e[1], System.Globalization.CultureInfo.InvariantCulture) : (int?)null);

    /// <summary>What is wrong with an exchange, by the table.</summary>
    public static IEnumerable<string> Judge(string group, string id, Difference? difference)
    {
        var name = $"{group}/{id}";
        var isListed = Statuses.TryGetValue(name, out var status);
        if (difference is null)
        {
            if (isListed)
                yield return $"{name}: is listed as different and is not; take it out of the table";
        }
        else if (!isListed)
            yield return $"{name}: {difference.What}";
        else if (difference.OurStatus != (status ?? difference.RecordedStatus))
            yield return $"{name}: status {difference.OurStatus} is not the one that the table has: {difference.What}";
    }
}
