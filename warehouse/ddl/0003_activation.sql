create database if not exists activation
