namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// Where our manager answers otherwise than the recorded Tessera 21.1.1, and why. An entry is the exchange's group and id, then
/// <c>:</c> and our status where it is another one, then <c>!</c> and every aspect that differs (<see cref="Difference"/>; with a status
/// alone that is all). An aspect that is not listed is compared.
/// </summary>
internal static class IntendedDifferences
{
    private static readonly (string Reason, string Entries)[] Table =
    [
        (
            "its version: 21.1.1 has no API 4.0 and 5.0, no mandatory recipients and no form 3.0 of storeraw; ours answers as 22.1 does",
            """
            q2t/q2t-version!b q2t/q2t-version-distribution!b q2t/q2t-version-api!b q2t/q2t-version-api-json!b q2t/p2p-version!b
            q2t/p2p-version-distribution!b q2t/p2p-version-api!b q2t/p2p-version-api-json!b q2t/thirdparty-version!b
            q2t/thirdparty-version-distribution!b
            q2t/thirdparty-version-api!b q2t/thirdparty-version-api-json!b q2t/send-4.0:201!sp q2t/sendsignedtx-4.0:201!sp
            q2t/transaction-4.0:200
            q2t/storeraw-3.0:200 q2t/send-flag2:400!sp q2t/mandatory-sender:400 q2t/mandatory-recipient:400 q2t/mandatory-stranger:400
            p2p/push-flag-2:500 p2p/push-flag-2-get:404 q2t/q2t-groups-legacy:200 q2t/q2t-groups-resident:503
            """),
        (
            "its version: 21.1.1 calls every mismatch of privacy flags one of private state validation",
            """
            q2t/send-affected-mismatch!b
            """),
        (
            "privacy groups: what a caller leaves out or misspells is 400, and says what",
            """
            groups/create-empty:400 groups/create-no-addresses:400 groups/find-empty-list:400 groups/find-no-addresses:400
            groups/retrieve-bad:400 groups/retrieve-none:400 groups/create-bad-address!b groups/create-bad-seed!b
            """),
        (
            "privacy groups: name and description may be left out, as from 21.4 on; the same members and seed then make no second group",
            """
            groups/create-no-name:200!sp groups/create-no-description:400 groups/create-utf8:400!sp
            """),
        (
            "privacy groups: one that is or was there is refused in our words, not in those of a database",
            """
            groups/create-same:400 groups/create-deleted:400
            """),
        (
            "privacy groups: each manager is told once, and may be told again, so that two members may be at one manager",
            """
            groups/create-two-keys:200!sp groups/create-dup:200!sp groups/create-ten:200!sp groups/retrieve-two-keys-at-a!b
            groups/push-legacy-twice:200
            """),
        (
            "privacy groups: a resident one is told to nobody, in our words",
            """
            groups/push-resident!b
            """),
        (
            "privacy groups: one without a member of ours is not taken, or a stranger could fill the table",
            """
            groups/push-not-member:500 groups/push-nine:500 groups/push-nine-seed:500 groups/push-seven:500 groups/push-m1m2:500
            groups/push-m1m2m3-foo:500 groups/push-sixteen:500 groups/find-not-member!b groups/find-nine!b groups/find-nine-seed!b
            groups/find-seven!b groups/find-m1m2!b groups/find-m1m2m3-foo!b groups/find-sixteen!b
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
            q2t/upcheck-accept-json:200 q2t/isSender-accept-json:200 q2t/participants-accept-json:200 q2t/send-2.1-accept-json:201!sp
            q2t/send-json-accept-2.1:201!sp q2t/send-no-type:201!sp q2t/receiveraw-content-type-json:200 q2t/receiveraw-empty-to:200
            q2t/sendraw-comma-space:200!sp q2t/send-empty-from:201!sp q2t/transaction-israw-empty:200 q2t/receive-get:200
            p2p/resend-individual-accept-json:200
            """),
        (
            "words of Java's validation and JSON reader, in text or JSON; the status is the same",
            """
            q2t/send-no-payload!tb q2t/send-empty-payload!tb q2t/send-null-payload!tb q2t/send-bad-base64-payload!tb
            q2t/send-bad-base64-payload-2.1!b
            q2t/send-empty-object!tb q2t/send-empty-object-2.1!b q2t/send-array!tb q2t/send-flag3!tb q2t/send-flag3-empty-exechash!tb
            q2t/send-not-json!b
            q2t/send-not-json-2.1!b q2t/send-json-cut!b q2t/send-json-null!b q2t/send-empty-body!b q2t/sendraw-empty-body!b
            q2t/sendraw-bad-from!b
            q2t/storeraw-no-payload!tb q2t/storeraw-empty-payload!tb q2t/storeraw-bad-base64!tb q2t/storeraw-object!tb
            q2t/storeraw-not-json!b q2t/storeraw-empty!b
            q2t/storeraw-json-cut2!b q2t/sendsignedtx-flag3-no-exechash!tb q2t/sendsignedtx-octet-empty!b q2t/sendsignedtx-no-hash!tb
            q2t/sendsignedtx-bad-hash!tb q2t/sendsignedtx-json-cut!b q2t/transaction-israw-maybe!tb q2t/transaction-bad-base64!tb
            q2t/transaction-bad-base64-2.1!b q2t/receiveraw-no-key!b q2t/receiveraw-bad-key!b q2t/encodedpayload-create-empty!tb
            q2t/post-delete-empty!b
            p2p/resend-bad-base64!b p2p/resend-not-json!b p2p/resendbatch-bad!b p2p/push-random!b p2p/push-json!b
            p2p/partyinfo-post-garbage!b
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
            q2t/send-flag-word:400!sp
            """),
        (
            "Jetty's error page where Tessera has no text; ours has one, or the cause",
            """
            p2p/pushprivacygroup-garbage!tb
            q2t/api-html!tb q2t/delete-again!b q2t/delete-unknown!b q2t/post-delete-again!tb p2p/push-empty!tb p2p/push-one-byte!tb
            p2p/push-cut!tb
            p2p/validate-no-uuid!tb p2p/validate-garbage!tb p2p/partyinfo-post-empty!tb p2p/send-f-drop!tb p2p/send-f-down!tbp
            p2p/sendraw-f-down!tbp p2p/send-b-down!tb
            """),
        (
            "recipients are looked up before anything is sent, so that none of them keeps an orphan",
            """
            q2t/send-known-and-unknown!p
            """),
        (
            "every line of c11n-to counts: a recipient who is named is a recipient",
            """
            q2t/sendraw-repeated!p
            """),
        (
            "a signed transaction may be sent again: a client that saw no answer repeats it",
            """
            q2t/sendsignedtx-again:201!sp
            """),
        (
            "recipients stand in the order of the request, in the recording in that of a Java hash set: its boxes do not fit ours",
            """
            q2t/encodedpayload-create!b q2t/encodedpayload-decrypt:500 q2t/encodedpayload-decrypt-six:500
            """),
        (
            "a push is opened before it is acknowledged: what no key of ours opens is not stored",
            """
            p2p/push-not-recipient:404 p2p/push-not-recipient-get:404 p2p/push-not-recipient-get-to:404 p2p/push-not-recipient-get-2.1:404
            p2p/push-not-recipient-receiveraw:404 p2p/push-not-recipient-issender:404 p2p/push-not-recipient-participants:404
            p2p/push-second-box-participants!b p2p/push-bad-box:500 p2p/push-bad-box-get:404 p2p/push-bad-box-get-to:404
            """),
        (
            "a challenge is a UUID as RFC 9562 has it, not all that Java takes for one",
            """
            p2p/validate-short-uuid:400
            """),
        (
            "octets are called octets; a Tessera does not look at the type",
            """
            p2p/resend-individual!tb p2p/resend-individual-sender!tb
            """),
        (
            "our own payload asked with our own key is answered, with our own boxes",
            """
            p2p/resend-individual-sender-own:200
            """),
        (
            "a manager that is away keeps its keys: the next send is tried again, not taken for one to a stranger",
            """
            p2p/send-f-down-again:410!sp
            """),
        (
            "a manager that does not answer, or has given up its keys, is not passed on to others",
            """
            p2p/partyinfo-after-down!b p2p/partyinfo-after-no-keys!b
            """),
    ];

    private static readonly Dictionary<string, (string Aspects, int? Status)> Listed = Table
        .SelectMany(row => row.Entries.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(NameOf, entry => (AspectsOf(entry), StatusOf(entry)));

    /// <summary>What is wrong with an exchange, by the table.</summary>
    public static IEnumerable<string> Judge(string group, string id, Difference? difference)
    {
        var name = $"{group}/{id}";
        var isListed = Listed.TryGetValue(name, out var listed);
        if (difference is null)
        {
            if (isListed)
                yield return $"{name}: is listed as different and is not; take it out of the table";
        }
        else if (!isListed)
            yield return $"{name}!{difference.Aspects}: {difference.What}";
        else if (difference.Aspects != listed.Aspects)
            yield return $"{name}!{difference.Aspects}: the table has other aspects, '{listed.Aspects}': {difference.What}";
        else if (listed.Status is { } status && difference.OurStatus != status)
            yield return $"{name}!{difference.Aspects}: status {difference.OurStatus} is not the one that the table has: {difference.What}";
    }

    private static string NameOf(string entry) => entry.Split(':', '!')[0];

    private static int? StatusOf(string entry) => entry.Split('!')[0].Split(':') is [_, var status]
        ? int.Parse(status, System.Globalization.CultureInfo.InvariantCulture) : null;

    private static string AspectsOf(string entry) =>
        entry.Contains(':', StringComparison.Ordinal) && !entry.Contains('!', StringComparison.Ordinal) ? "s" : entry.Split('!')[^1];
}
