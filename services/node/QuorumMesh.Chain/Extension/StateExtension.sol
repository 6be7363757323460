// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// The management contract of one extension: two voters, the state's identifier, the end. Functions, events and storage slots are those that
// GoQuorum's nodes call, hear and were recorded with, so that either side may be one. The code in ManagementContract.Code.cs was made
// from it with solc 0.8.37, evmVersion byzantium, optimizer 200 runs, no metadata.
contract StateExtension {
    address public creator;
    string public targetRecipientPTMKey;
    address public contractToExtend;
    address[] public walletAddressesToVote;
    uint256 public totalNumberOfVoters;
    mapping(address => bool) private mayVote;
    uint256 private cast;
    mapping(address => bool) private hasVoted;
    mapping(address => bool) public votes;
    bool public voteOutcome;
    string public sharedDataHash;
    string[] private uuids;
    bool public isFinished;

    event NewContractExtensionContractCreated(address toExtend, string recipientPTMKey, address recipientAddress);
    event AllNodesHaveAccepted(bool outcome);
    event CanPerformStateShare();
    event ExtensionFinished();
    event NewVote(bool vote, address voter);
    event StateShared(address toExtend, string tesserahash, string uuid);
    event UpdateMembers(address toExtend, string uuid);

    modifier open() {
        require(!isFinished, "extension has been marked as finished");
        _;
    }

    modifier byCreator() {
        require(msg.sender == creator, "only leader may perform this action");
        _;
    }

    constructor(address extended, address recipient, string memory recipientKey) {
        (creator, contractToExtend, targetRecipientPTMKey, voteOutcome) = (msg.sender, extended, recipientKey, true);
        addVoter(msg.sender);
        addVoter(recipient);
        emit NewContractExtensionContractCreated(extended, recipientKey, recipient);
    }

    function haveAllNodesVoted() public view returns (bool) {
        return cast == totalNumberOfVoters;
    }

    function checkIfVoted() external view returns (bool) {
        return hasVoted[msg.sender];
    }

    function checkIfExtensionFinished() external view returns (bool) {
        return isFinished;
    }

    // A no ends it. The last yes asks the creator's node for the state.
    function doVote(bool vote, string calldata nextuuid) external open {
        require(mayVote[msg.sender], "not allowed to vote");
        require(!hasVoted[msg.sender], "already voted");
        hasVoted[msg.sender] = true;
        votes[msg.sender] = vote;
        cast++;
        if (vote) {
            uuids.push(nextuuid);
        } else {
            voteOutcome = false;
        }
        if (!vote) {
            emit AllNodesHaveAccepted(false);
            end();
        } else if (haveAllNodesVoted()) {
            emit AllNodesHaveAccepted(true);
            emit CanPerformStateShare();
        }
        emit NewVote(vote, msg.sender);
    }

    function setSharedStateHash(string calldata hash) external open byCreator {
        require(bytes(hash).length != 0, "new hash cannot be empty");
        require(bytes(sharedDataHash).length == 0, "state hash already set");
        sharedDataHash = hash;
        for (uint256 i = 0; i < uuids.length; i++) {
            emit StateShared(contractToExtend, hash, uuids[i]);
        }
        end();
    }

    function finish() external open byCreator {
        end();
    }

    // A vote brings its own. GoQuorum's contract takes one from anybody.
    function setUuid(string calldata nextuuid) external open {
        require(mayVote[msg.sender], "not allowed to vote");
        uuids.push(nextuuid);
    }

    function updatePartyMembers() external {
        for (uint256 i = 0; i < uuids.length; i++) {
            emit UpdateMembers(contractToExtend, uuids[i]);
        }
    }

    function addVoter(address voter) private {
        walletAddressesToVote.push(voter);
        mayVote[voter] = true;
        totalNumberOfVoters++;
    }

    function end() private {
        isFinished = true;
        emit ExtensionFinished();
    }
}
