using System.Globalization;
using System.Text;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>
/// A network of validators under the commands of a scenario. Nothing happens by itself but what a command names: messages wait until they
/// are delivered, timers until they fire. Validators are named 1 to N in the order of turns, blocks by their maker and a letter.
/// </summary>
internal sealed class ScenarioNetwork
{
    private readonly List<(int From, int To, BftMessage Message)> _wire = [];
    private readonly List<ScenarioValidator> _validators = [];
    private readonly Dictionary<Hash256, string> _names = [];
    private readonly HashSet<(int From, int To)> _cut = [];
    private readonly StringBuilder _output = new();
    private BftProtocol _protocol;
    private TimeSpan _now;

    /// <summary>Carries out one command; what every validator says and where it stands after it.</summary>
    public string Run(string command)
    {
        _output.Clear();
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (verb, arguments) = (words[0], words[1..]);
        switch (verb)
        {
            case "network": Open(arguments); break;
            case "due": ForEach(arguments, v => Step(v, BftInput.ProposalDue.Instance)); break;
            case "build": Build(arguments); break;
            case "deliver": Deliver(arguments); break;
            case "lose": _wire.RemoveAll(m => Matches(m, arguments)); break;
            case "settle": Settle(); break;
            case "timeout": ForEach(arguments, v => Step(v, new BftInput.RoundTimeout(v.Timer))); break;
            case "peers": Peers(arguments); break;
            case "restart": ForEach(arguments, v => Restart(v)); break;
            case "next": ForEach(arguments, BeginNext); break;
            case "wait": _now += TimeSpan.FromMilliseconds(Number(arguments[0])); break;
            case "explain": ForEach(arguments, v => _output.AppendLine($"{v.Name}: {string.Join("; ", v.Explain(_now))}")); break;
            default: throw new FormatException($"no such command: {verb}");
        }
        return _output.ToString() + string.Concat(_validators.Select(v => v.Describe(NameOf) + "\n"))
            + $"on the wire: {(_wire.Count == 0 ? "nothing" : string.Join("; ", DescribeWire()))}\n";
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static BftIdentity IdentityOf(int i)
    {
        var key = Keccak.Hash([(byte)i]).ToArray();
        return new BftIdentity(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), hash => Secp256k1.Sign(key, hash.Bytes));
    }

    private void Open(string[] arguments)
    {
        _protocol = arguments[0] == "ibft" ? BftProtocol.Ibft : BftProtocol.Qbft;
        var identities = Enumerable.Range(1, Number(arguments[1])).Select(IdentityOf).ToList();
        var height = ScenarioValidator.HeightOf(_protocol, [.. identities.Select(i => i.Address)], 1, null, default);
        var turns = new BftValidators(height).Turns;
        foreach (var address in turns)
            _validators.Add(new ScenarioValidator(_validators.Count + 1, identities.Single(i => i.Address == address), height));
        foreach (var validator in _validators)
            foreach (var input in validator.Open(turns)) Step(validator, input);
    }

    private List<ScenarioValidator> Group(string[] names) =>
        names is ["all"] ? _validators : names.Select(n => _validators[Number(n) - 1]).ToList();

    private void ForEach(string[] names, Action<ScenarioValidator> action)
    {
        foreach (var validator in Group(names)) action(validator);
    }

    private void Build(string[] arguments)
    {
        var validator = _validators[Number(arguments[0]) - 1];
        var proposal = ScenarioBlocks.Make(validator.Height.Sequence, validator.Height.Parent, validator.Me, arguments[1]);
        _names[proposal.Digest] = arguments[1];
        Step(validator, new BftInput.ProposalReady(proposal));
    }

    private void Deliver(string[] arguments)
    {
        var due = _wire.Where(m => Matches(m, arguments)).ToList();
        _wire.RemoveAll(due.Contains);
        foreach (var (from, to, message) in due)
            Step(_validators[to - 1], new BftInput.MessageReceived(message, _validators[from - 1].Me));
    }

    private void Settle()
    {
        for (var steps = 0; _wire.Count > 0; steps++)
        {
            if (steps == 10_000) throw new InvalidOperationException("the network does not settle");
            var (from, to, message) = _wire[0];
            _wire.RemoveAt(0);
            Step(_validators[to - 1], new BftInput.MessageReceived(message, _validators[from - 1].Me));
        }
    }

    /// <summary>KIND, 1->2, ->2 or 1->: all words must fit; no word fits all.</summary>
    private bool Matches((int From, int To, BftMessage Message) sent, string[] words) => words.All(word =>
    {
        var ends = word.Split("->");
        if (ends.Length == 1) return word == sent.Message.Kind || word == sent.Message.View.ToString();
        return (ends[0].Length == 0 || Number(ends[0]) == sent.From) && (ends[1].Length == 0 || Number(ends[1]) == sent.To);
    });

    /// <summary>peers 1 2 3: these are connected with each other, and nobody else is; the others' messages are lost.</summary>
    private void Peers(string[] names)
    {
        var group = Group(names);
        _cut.Clear();
        foreach (var from in _validators)
            foreach (var to in _validators)
                if (!group.Contains(from) || !group.Contains(to)) _cut.Add((from.Name, to.Name));
        _wire.RemoveAll(m => _cut.Contains((m.From, m.To)));
        foreach (var validator in _validators)
            Step(validator, new BftInput.PeersChanged(
                _validators.Where(v => v != validator && !_cut.Contains((v.Name, validator.Name))).Select(v => v.Me).ToHashSet()));
    }

    private void Restart(ScenarioValidator validator)
    {
        _wire.RemoveAll(m => m.To == validator.Name);
        foreach (var input in validator.Restart([.. _validators.Select(v => v.Me)])) Step(validator, input);
    }

    private void BeginNext(ScenarioValidator validator) => Step(validator, new BftInput.NewHeight(validator.Next()));

    private void Step(ScenarioValidator validator, BftInput input)
    {
        foreach (var effect in validator.Step(input, _now))
        {
            if (Tell(effect) is { } line) _output.AppendLine($"{validator.Name}: {line}");
            if (effect is BftEffect.Send send) Put(validator, send);
            if (effect is BftEffect.VerifyProposal verify)
                Step(validator, new BftInput.ProposalVerified(verify.Proposal.Digest, ScenarioBlocks.FaultOf(verify.Proposal)));
        }
    }

    private void Put(ScenarioValidator from, BftEffect.Send send)
    {
        if (!BftWire.TryRead(send.Code, send.Payload, out var message, out var refusal)) throw new FormatException(refusal.Name());
        if (!send.Again && message.Sender == from.Me) _output.AppendLine($"{from.Name}: sends {Describe(message)} to all");
        else if (send.Again)
            _output.AppendLine($"{from.Name}: sends {Describe(message)} to {string.Join(", ", send.To.Select(NameOf))} again");
        // What is passed on besides goes to validators that have it: here everybody hears everybody.
        if (message.Sender == from.Me || send.Again)
            foreach (var to in send.To.Select(NameOf).Where(to => !_cut.Contains((from.Name, to)))) _wire.Add((from.Name, to, message));
    }

    private int NameOf(Address validator) => _validators.Single(v => v.Me == validator).Name;

    private string NameOf(Hash256 digest) => _names.TryGetValue(digest, out var name) ? name : digest.ToString();

    private IEnumerable<string> DescribeWire() => _wire.GroupBy(m => (m.From, m.Message.Id))
        .Select(g => $"{g.Key.From}->{string.Join(",", g.Select(m => m.To))} {Describe(g.First().Message)}");

    private string Describe(BftMessage message) => $"{message.Kind} {message.View}" + message switch
    {
        PreprepareMessage m => " " + NameOf(Keccak.Hash(m.Block))
            + (m.RoundChanges.Count > 0 ? $" for {m.RoundChanges.Count} round changes" : "")
            + (m.Prepares.Count > 0 ? $" and {m.Prepares.Count} prepares" : ""),
        PrepareMessage m => " " + NameOf(m.Digest),
        CommitMessage m => " " + NameOf(m.Digest),
        RoundChangeMessage { Prepared: { } p } => $" with {NameOf(p.Digest)} of round {p.Round}",
        _ => "",
    };

    private string? Tell(BftEffect effect) => effect switch
    {
        BftEffect.PersistLock => "writes its votes",
        BftEffect.BuildProposal build => $"is to build for {build.View}",
        BftEffect.Decide decide => $"decides {NameOf(decide.Proposal.Digest)} in round {decide.Round} with {decide.Seals.Count} seals",
        BftEffect.SetRoundTimer timer => $"waits {timer.After.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s for {timer.View}",
        BftEffect.NeedSync need => $"needs block {need.Height}",
        BftEffect.Refused refused => $"refuses a message of {NameOf(refused.Signer)}: {refused.Reason.Name()}",
        _ => null,
    };
}
