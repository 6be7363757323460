// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// The contract of the private test cases. The code in SimpleStorage.cs was made from it with solc 0.8.37,
// evmVersion byzantium, optimizer 200 runs, no metadata.
contract SimpleStorage {
    uint256 public storedData;

    event Stored(uint256 value);

    constructor(uint256 initial) {
        storedData = initial;
    }

    function set(uint256 value) external {
        storedData = value;
    }

    function get() external view returns (uint256) {
        return storedData;
    }
}
